package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// The provider service, by its definition alone.
type wire struct {
	conn    *grpc.ClientConn
	service protoreflect.ServiceDescriptor
	// The types of values, such as "resource:NAME".
	types map[string]cty.Type
	// The blocks under the same names, for the provider on the framework, and that provider once it was asked.
	schemas twin
	twin    tfprotov6.ProviderServer
}

func newWire(conn *grpc.ClientConn, folder string) (*wire, error) {
	sources := protocompile.SourceResolver{ImportPaths: []string{folder}}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&sources)}
	files, err := compiler.Compile(context.Background(), "tfplugin6.proto")
	if err != nil {
		return nil, err
	}
	w := &wire{
		conn:    conn,
		service: files[0].Services().ByName("Provider"),
		types:   map[string]cty.Type{"string": cty.String},
		schemas: twin{},
	}
	return w, w.learn()
}

// Asks for the schemas, and keeps the types of their values.
func (w *wire) learn() error {
	answers, err := w.call(call{RPC: "GetProviderSchema"})
	if err != nil {
		return err
	}
	schema := answers[0]
	keep := func(name string, of any) error {
		block, _ := of.(map[string]any)["block"].(map[string]any)
		ty, err := objectType(block["attributes"])
		w.types[name], w.schemas[name] = ty, block
		return err
	}
	if err := keep("provider", schema["provider"]); err != nil {
		return err
	}
	for field, kind := range map[string]string{
		"resourceSchemas": "resource", "dataSourceSchemas": "data",
		"ephemeralResourceSchemas": "ephemeral", "listResourceSchemas": "list",
	} {
		all, _ := schema[field].(map[string]any)
		for name, of := range all {
			if err := keep(kind+":"+name, of); err != nil {
				return err
			}
		}
	}
	actions, _ := schema["actionSchemas"].(map[string]any)
	for name, of := range actions {
		if err := keep("action:"+name, of.(map[string]any)["schema"]); err != nil {
			return err
		}
	}
	functions, _ := schema["functions"].(map[string]any)
	for name, of := range functions {
		if err := w.learnFunction("function:"+name, of.(map[string]any)); err != nil {
			return err
		}
	}
	return w.learnIdentities()
}

// The types of a function's result, under its name, and of its arguments, under their numbers behind it.
func (w *wire) learnFunction(name string, of map[string]any) error {
	result, err := plainType(of["return"].(map[string]any))
	if err != nil {
		return err
	}
	w.types[name] = result
	parameters, _ := of["parameters"].([]any)
	taken := []cty.Type{}
	for at, each := range parameters {
		ty, err := plainType(each.(map[string]any))
		if err != nil {
			return err
		}
		w.types[fmt.Sprintf("%s:%d", name, at)] = ty
		taken = append(taken, ty)
	}
	w.schemas[name] = taken
	return nil
}

func (w *wire) learnIdentities() error {
	answers, err := w.call(call{RPC: "GetResourceIdentitySchemas"})
	if err != nil {
		return err
	}
	all, _ := answers[0]["identitySchemas"].(map[string]any)
	for name, of := range all {
		ty, err := objectType(of.(map[string]any)["identityAttributes"])
		if err != nil {
			return err
		}
		w.types["identity:"+name] = ty
	}
	return nil
}

func objectType(attributes any) (cty.Type, error) {
	types := map[string]cty.Type{}
	all, _ := attributes.([]any)
	for _, each := range all {
		attribute := each.(map[string]any)
		name := attribute["name"].(string)
		if nested, ok := attribute["nestedType"].(map[string]any); ok {
			object, err := objectType(nested["attributes"])
			if err != nil {
				return cty.NilType, err
			}
			types[name] = held(object, nested["nesting"])
			continue
		}
		ty, err := plainType(attribute)
		if err != nil {
			return cty.NilType, err
		}
		types[name] = ty
	}
	return cty.Object(types), nil
}

func held(object cty.Type, nesting any) cty.Type {
	switch nesting {
	case "LIST":
		return cty.List(object)
	case "SET":
		return cty.Set(object)
	case "MAP":
		return cty.Map(object)
	default:
		return object
	}
}

func plainType(attribute map[string]any) (cty.Type, error) {
	text, err := base64.StdEncoding.DecodeString(attribute["type"].(string))
	if err != nil {
		return cty.NilType, err
	}
	return ctyjson.UnmarshalType(text)
}

func (w *wire) call(asked call) ([]map[string]any, error) {
	if rpc, ok := strings.CutPrefix(asked.RPC, "Framework."); ok {
		return w.framework(rpc, asked)
	}
	if strings.HasPrefix(asked.RPC, "Age.") {
		return ageLibrary(asked)
	}
	method := w.service.Methods().ByName(protoreflect.Name(asked.RPC))
	if method == nil {
		return nil, fmt.Errorf("there is no such call: %s", asked.RPC)
	}
	request, err := w.request(method, asked)
	if err != nil {
		return nil, err
	}
	path := "/" + string(w.service.FullName()) + "/" + asked.RPC
	stream := grpc.StreamDesc{ServerStreams: method.IsStreamingServer(), ClientStreams: method.IsStreamingClient()}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opened, err := w.conn.NewStream(ctx, &stream, path, grpc.MaxCallRecvMsgSize(256<<20))
	if err != nil {
		return nil, err
	}
	if err := opened.SendMsg(request); err != nil {
		return nil, err
	}
	if err := opened.CloseSend(); err != nil {
		return nil, err
	}
	answers := []map[string]any{}
	for {
		message := dynamicpb.NewMessage(method.Output())
		err := opened.RecvMsg(message)
		if err == io.EOF {
			return answers, nil
		}
		if err != nil {
			return nil, err
		}
		answer, err := w.answer(message, asked.Of)
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
		if !method.IsStreamingServer() {
			return answers, nil
		}
	}
}

func (w *wire) request(method protoreflect.MethodDescriptor, asked call) (*dynamicpb.Message, error) {
	plain, err := w.encode(any(asked.Request), asked.Of)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	request := dynamicpb.NewMessage(method.Input())
	if plain == nil {
		return request, nil
	}
	return request, protojson.Unmarshal(text, request)
}

// Turns what stands for values into their encoding.
func (w *wire) encode(part any, of string) (any, error) {
	if list, ok := part.([]any); ok {
		encoded := make([]any, 0, len(list))
		for _, each := range list {
			one, err := w.encode(each, of)
			if err != nil {
				return nil, err
			}
			encoded = append(encoded, one)
		}
		return encoded, nil
	}
	object, ok := part.(map[string]any)
	if !ok {
		return part, nil
	}
	if object == nil {
		return nil, nil
	}
	if raw, ok := object["$json"]; ok {
		text, err := json.Marshal(raw)
		return base64.StdEncoding.EncodeToString(text), err
	}
	if value, ok := object["$value"]; ok {
		if named, ok := object["$of"].(string); ok {
			of = named
		}
		encoded, err := w.value(value, of)
		return map[string]any{"msgpack": base64.StdEncoding.EncodeToString(encoded)}, err
	}
	encoded := map[string]any{}
	for name, each := range object {
		part, err := w.encode(each, of)
		if err != nil {
			return nil, err
		}
		encoded[name] = part
	}
	return encoded, nil
}

func (w *wire) value(value any, of string) ([]byte, error) {
	ty, ok := w.types[of]
	if !ok {
		return nil, fmt.Errorf("there is no schema %q", of)
	}
	made, err := toCty(value, ty)
	if err != nil {
		return nil, err
	}
	// By its own type, so that a value of a wrong one can be sent, too.
	return msgpack.Marshal(made, made.Type())
}

func (w *wire) answer(message *dynamicpb.Message, of string) (map[string]any, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	decoded, err := w.decode(answer, of)
	if err != nil {
		return nil, err
	}
	return decoded.(map[string]any), nil
}

// Turns encoded values into what stands for them.
func (w *wire) decode(part any, of string) (any, error) {
	switch part := part.(type) {
	case []any:
		for at, each := range part {
			decoded, err := w.decode(each, of)
			if err != nil {
				return nil, err
			}
			part[at] = decoded
		}
		return part, nil
	case map[string]any:
		if text, ok := part["msgpack"].(string); ok && len(part) == 1 {
			bytes, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, err
			}
			value, err := msgpack.Unmarshal(bytes, w.types[of])
			if err != nil {
				return nil, fmt.Errorf("go-cty cannot read the value of %s: %w", of, err)
			}
			return fromCty(value), nil
		}
		_, name, _ := strings.Cut(of, ":")
		for field, each := range part {
			within := of
			switch field {
			case "identityData":
				within = "identity:" + name
			case "resourceObject":
				within = "resource:" + name
			}
			decoded, err := w.decode(each, within)
			if err != nil {
				return nil, err
			}
			part[field] = decoded
		}
		return part, nil
	default:
		return part, nil
	}
}
