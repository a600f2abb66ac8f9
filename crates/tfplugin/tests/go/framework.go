package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What the framework says of a configuration, for the call that would ask the provider.
func (w *wire) framework(rpc string, asked call) ([]map[string]any, error) {
	if w.twin == nil {
		w.twin = providerserver.NewProtocol6(twin(w.schemas))()
	}
	if rpc == "CallFunction" {
		return w.called(asked)
	}
	config := asked.Request["config"].(map[string]any)
	encoded, err := w.value(config["$value"], asked.Of)
	if err != nil {
		return nil, err
	}
	name, _ := asked.Request["typeName"].(string)
	diagnostics, err := judged(w.twin, rpc, name, &tfprotov6.DynamicValue{MsgPack: encoded})
	if err != nil {
		return nil, err
	}
	said := []any{}
	for _, diagnostic := range diagnostics {
		said = append(said, map[string]any{
			"severity":  diagnostic.Severity.String(),
			"summary":   diagnostic.Summary,
			"detail":    diagnostic.Detail,
			"attribute": map[string]any{"steps": steps(diagnostic.Attribute)},
		})
	}
	return []map[string]any{{"diagnostics": said}}, nil
}

// What the framework says of the arguments of a function.
func (w *wire) called(asked call) ([]map[string]any, error) {
	request := &tfprotov6.CallFunctionRequest{Name: asked.Request["name"].(string)}
	for _, each := range asked.Request["arguments"].([]any) {
		argument := each.(map[string]any)
		encoded, err := w.value(argument["$value"], argument["$of"].(string))
		if err != nil {
			return nil, err
		}
		request.Arguments = append(request.Arguments, &tfprotov6.DynamicValue{MsgPack: encoded})
	}
	answer, err := w.twin.CallFunction(context.Background(), request)
	if err != nil || answer.Error == nil {
		return []map[string]any{{}}, err
	}
	said := map[string]any{"text": answer.Error.Text}
	if at := answer.Error.FunctionArgument; at != nil {
		said["functionArgument"] = fmt.Sprint(*at)
	}
	return []map[string]any{{"error": said}}, nil
}

// Each call has a request and an answer of its own.
func judged(twin tfprotov6.ProviderServer, rpc, name string, config *tfprotov6.DynamicValue) ([]*tfprotov6.Diagnostic, error) {
	ctx := context.Background()
	switch rpc {
	case "ValidateProviderConfig":
		answer, err := twin.ValidateProviderConfig(ctx, &tfprotov6.ValidateProviderConfigRequest{Config: config})
		return answer.Diagnostics, err
	case "ValidateResourceConfig":
		answer, err := twin.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{
			TypeName: name, Config: config,
			ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
		})
		return answer.Diagnostics, err
	case "ValidateDataResourceConfig":
		answer, err := twin.ValidateDataResourceConfig(ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
		return answer.Diagnostics, err
	case "ValidateEphemeralResourceConfig":
		answer, err := twin.ValidateEphemeralResourceConfig(ctx, &tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: config})
		return answer.Diagnostics, err
	case "ValidateListResourceConfig":
		lists := twin.(tfprotov6.ProviderServerWithListResource)
		answer, err := lists.ValidateListResourceConfig(ctx, &tfprotov6.ValidateListResourceConfigRequest{TypeName: name, Config: config})
		return answer.Diagnostics, err
	case "ValidateActionConfig":
		actions := twin.(tfprotov6.ProviderServerWithActions)
		answer, err := actions.ValidateActionConfig(ctx, &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
		return answer.Diagnostics, err
	default:
		return nil, fmt.Errorf("the framework is not asked by %s", rpc)
	}
}

// As they are sent: up to an element of a set, which the protocol cannot name.
func steps(path *tftypes.AttributePath) []any {
	told := []any{}
	for _, step := range path.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			told = append(told, map[string]any{"attributeName": string(step)})
		case tftypes.ElementKeyString:
			told = append(told, map[string]any{"elementKeyString": string(step)})
		case tftypes.ElementKeyInt:
			told = append(told, map[string]any{"elementKeyInt": fmt.Sprint(int64(step))})
		case tftypes.ElementKeyValue:
			return told
		}
	}
	return told
}
