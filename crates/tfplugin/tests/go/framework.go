package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
)

// A provider on the framework with the resources of the one that was started, which checks nothing beyond
// their schemas: what the framework itself says of a configuration.
type twin struct{ resources map[string]map[string]any }

func (twin) Metadata(context.Context, provider.MetadataRequest, *provider.MetadataResponse)    {}
func (twin) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse)          {}
func (twin) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (twin) DataSources(context.Context) []func() datasource.DataSource                        { return nil }
func (t twin) Resources(context.Context) []func() resource.Resource {
	all := []func() resource.Resource{}
	for name, of := range t.resources {
		all = append(all, func() resource.Resource { return twinResource{name, of} })
	}
	return all
}

type twinResource struct {
	name string
	of   map[string]any
}

func (r twinResource) Metadata(_ context.Context, _ resource.MetadataRequest, answer *resource.MetadataResponse) {
	answer.TypeName = r.name
}

func (r twinResource) Schema(_ context.Context, _ resource.SchemaRequest, answer *resource.SchemaResponse) {
	block := r.of["block"].(map[string]any)
	answer.Schema = schema.Schema{Attributes: attributes(block["attributes"])}
}

func (twinResource) Create(context.Context, resource.CreateRequest, *resource.CreateResponse) {}
func (twinResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse)       {}
func (twinResource) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}
func (twinResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func attributes(of any) map[string]schema.Attribute {
	made := map[string]schema.Attribute{}
	all, _ := of.([]any)
	for _, each := range all {
		attribute := each.(map[string]any)
		made[attribute["name"].(string)] = twinAttribute(attribute)
	}
	return made
}

func twinAttribute(of map[string]any) schema.Attribute {
	is := func(what string) bool { return of[what] == true }
	required, optional, computed := is("required"), is("optional"), is("computed")
	sensitive, writeOnly := is("sensitive"), is("writeOnly")
	if nested, ok := of["nestedType"].(map[string]any); ok {
		object := schema.NestedAttributeObject{Attributes: attributes(nested["attributes"])}
		switch nested["nesting"] {
		case "LIST":
			return schema.ListNestedAttribute{NestedObject: object, Required: required, Optional: optional, Computed: computed}
		case "MAP":
			return schema.MapNestedAttribute{NestedObject: object, Required: required, Optional: optional, Computed: computed}
		default:
			return schema.SingleNestedAttribute{Attributes: object.Attributes, Required: required, Optional: optional, Computed: computed}
		}
	}
	ty, err := plainType(of)
	if err != nil {
		fail(err)
	}
	switch {
	case ty == cty.String:
		return schema.StringAttribute{Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly}
	case ty == cty.Bool:
		return schema.BoolAttribute{Required: required, Optional: optional, Computed: computed, WriteOnly: writeOnly}
	case ty == cty.Number:
		return schema.NumberAttribute{Required: required, Optional: optional, Computed: computed, WriteOnly: writeOnly}
	case ty.IsSetType():
		return schema.SetAttribute{ElementType: element(ty), Required: required, Optional: optional, Computed: computed}
	case ty.IsListType():
		return schema.ListAttribute{ElementType: element(ty), Required: required, Optional: optional, Computed: computed}
	default:
		return schema.MapAttribute{ElementType: element(ty), Required: required, Optional: optional, Computed: computed, WriteOnly: writeOnly}
	}
}

func element(ty cty.Type) attr.Type {
	if ty.ElementType() != cty.String {
		fail(fmt.Errorf("no attribute is made of %s", ty.FriendlyName()))
	}
	return types.StringType
}

// What the framework says of the configuration of a resource.
func (w *wire) framework(asked call) ([]map[string]any, error) {
	config := asked.Request["config"].(map[string]any)
	encoded, err := w.value(config["$value"], asked.Of)
	if err != nil {
		return nil, err
	}
	server := providerserver.NewProtocol6(twin{w.resources})()
	answer, err := server.ValidateResourceConfig(context.Background(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName:           asked.Request["typeName"].(string),
		Config:             &tfprotov6.DynamicValue{MsgPack: encoded},
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		return nil, err
	}
	said := []any{}
	for _, diagnostic := range answer.Diagnostics {
		said = append(said, map[string]any{
			"severity":  diagnostic.Severity.String(),
			"summary":   diagnostic.Summary,
			"detail":    diagnostic.Detail,
			"attribute": map[string]any{"steps": steps(diagnostic.Attribute)},
		})
	}
	return []map[string]any{{"diagnostics": said}}, nil
}

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
		}
	}
	return told
}
