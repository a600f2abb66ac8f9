package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/action"
	actions "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	data "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	ephemerals "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	lists "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providers "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/zclconf/go-cty/cty"
)

// A provider on the framework with everything that the one has which was started, and which checks nothing
// beyond the schemas. They are kept under the names of their types, such as "resource:NAME".
type twin map[string]any

func (twin) Metadata(context.Context, provider.MetadataRequest, *provider.MetadataResponse)    {}
func (twin) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (t twin) Schema(_ context.Context, _ provider.SchemaRequest, answer *provider.SchemaResponse) {
	answer.Schema = providers.Schema{Attributes: attributes[providers.Attribute](t["provider"])}
}

func (t twin) Resources(context.Context) []func() resource.Resource {
	return each(t, "resource", func(one one) resource.Resource { return oneResource{one} })
}

func (t twin) DataSources(context.Context) []func() datasource.DataSource {
	return each(t, "data", func(one one) datasource.DataSource { return oneData{one} })
}

func (t twin) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return each(t, "ephemeral", func(one one) ephemeral.EphemeralResource { return oneEphemeral{one} })
}

func (t twin) ListResources(context.Context) []func() list.ListResource {
	return each(t, "list", func(one one) list.ListResource { return oneList{one} })
}

func (t twin) Actions(context.Context) []func() action.Action {
	return each(t, "action", func(one one) action.Action { return oneAction{one} })
}

func (t twin) Functions(context.Context) []func() function.Function {
	return each(t, "function", func(one one) function.Function { return oneFunction{one} })
}

func each[T any](all twin, wanted string, made func(one) T) []func() T {
	found := []func() T{}
	for of, block := range all {
		if kind, name, _ := strings.Cut(of, ":"); kind == wanted {
			found = append(found, func() T { return made(one{name, block}) })
		}
	}
	return found
}

// What there is of one name, whatever kind it is of.
type one struct {
	name  string
	block any
}

type oneResource struct{ one }

func (r oneResource) Metadata(_ context.Context, _ resource.MetadataRequest, answer *resource.MetadataResponse) {
	answer.TypeName = r.name
}

func (r oneResource) Schema(_ context.Context, _ resource.SchemaRequest, answer *resource.SchemaResponse) {
	answer.Schema = schema.Schema{Attributes: attributes[schema.Attribute](r.block)}
}

func (oneResource) Create(context.Context, resource.CreateRequest, *resource.CreateResponse) {}
func (oneResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse)       {}
func (oneResource) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}
func (oneResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

type oneData struct{ one }

func (d oneData) Metadata(_ context.Context, _ datasource.MetadataRequest, answer *datasource.MetadataResponse) {
	answer.TypeName = d.name
}

func (d oneData) Schema(_ context.Context, _ datasource.SchemaRequest, answer *datasource.SchemaResponse) {
	answer.Schema = data.Schema{Attributes: attributes[data.Attribute](d.block)}
}

func (oneData) Read(context.Context, datasource.ReadRequest, *datasource.ReadResponse) {}

type oneEphemeral struct{ one }

func (e oneEphemeral) Metadata(_ context.Context, _ ephemeral.MetadataRequest, answer *ephemeral.MetadataResponse) {
	answer.TypeName = e.name
}

func (e oneEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, answer *ephemeral.SchemaResponse) {
	answer.Schema = ephemerals.Schema{Attributes: attributes[ephemerals.Attribute](e.block)}
}

func (oneEphemeral) Open(context.Context, ephemeral.OpenRequest, *ephemeral.OpenResponse) {}

type oneList struct{ one }

func (l oneList) Metadata(_ context.Context, _ resource.MetadataRequest, answer *resource.MetadataResponse) {
	answer.TypeName = l.name
}

func (l oneList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, answer *list.ListResourceSchemaResponse) {
	answer.Schema = lists.Schema{Attributes: attributes[lists.Attribute](l.block)}
}

func (oneList) List(context.Context, list.ListRequest, *list.ListResultsStream) {}

type oneAction struct{ one }

func (a oneAction) Metadata(_ context.Context, _ action.MetadataRequest, answer *action.MetadataResponse) {
	answer.TypeName = a.name
}

func (a oneAction) Schema(_ context.Context, _ action.SchemaRequest, answer *action.SchemaResponse) {
	answer.Schema = actions.Schema{Attributes: attributes[actions.Attribute](a.block)}
}

func (oneAction) Invoke(context.Context, action.InvokeRequest, *action.InvokeResponse) {}

type oneFunction struct{ one }

func (f oneFunction) Metadata(_ context.Context, _ function.MetadataRequest, answer *function.MetadataResponse) {
	answer.Name = f.name
}

func (f oneFunction) Definition(_ context.Context, _ function.DefinitionRequest, answer *function.DefinitionResponse) {
	for at, ty := range f.block.([]cty.Type) {
		name := fmt.Sprintf("p%d", at)
		var parameter function.Parameter
		switch {
		case ty == cty.String:
			parameter = function.StringParameter{Name: name}
		case ty == cty.Bool:
			parameter = function.BoolParameter{Name: name}
		case ty == cty.Number:
			parameter = function.Float64Parameter{Name: name}
		case ty.IsMapType():
			parameter = function.MapParameter{Name: name, ElementType: element(ty)}
		default:
			parameter = function.ListParameter{Name: name, ElementType: element(ty)}
		}
		answer.Definition.Parameters = append(answer.Definition.Parameters, parameter)
	}
	answer.Definition.Return = function.StringReturn{}
}

// Takes each argument as a function would that knows no null.
func (f oneFunction) Run(ctx context.Context, asked function.RunRequest, answer *function.RunResponse) {
	for at, ty := range f.block.([]cty.Type) {
		var taken any
		switch {
		case ty == cty.String:
			taken = new(string)
		case ty == cty.Bool:
			taken = new(bool)
		case ty == cty.Number:
			taken = new(float64)
		case ty.IsMapType():
			taken = new(map[string]types.String)
		default:
			taken = new([]types.String)
		}
		answer.Error = function.ConcatFuncErrors(answer.Error, asked.Arguments.GetArgument(ctx, at, taken))
	}
	answer.Error = function.ConcatFuncErrors(answer.Error, answer.Result.Set(ctx, ""))
}

// The attributes of a block or of a nested attribute. Each kind of schema has an interface of its own for them,
// and those of resources fit all.
func attributes[A any](of any) map[string]A {
	made := map[string]A{}
	within, _ := of.(map[string]any)
	all, _ := within["attributes"].([]any)
	for _, each := range all {
		attribute := each.(map[string]any)
		made[attribute["name"].(string)] = twinAttribute(attribute).(A)
	}
	return made
}

func twinAttribute(of map[string]any) any {
	is := func(what string) bool { return of[what] == true }
	required, optional, computed := is("required"), is("optional"), is("computed")
	sensitive, writeOnly := is("sensitive"), is("writeOnly")
	deprecated, _ := of["deprecationMessage"].(string)
	if nested, ok := of["nestedType"].(map[string]any); ok {
		object := schema.NestedAttributeObject{Attributes: attributes[schema.Attribute](nested)}
		switch nested["nesting"] {
		case "LIST":
			return schema.ListNestedAttribute{NestedObject: object, Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
		case "SET":
			return schema.SetNestedAttribute{NestedObject: object, Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, DeprecationMessage: deprecated}
		case "MAP":
			return schema.MapNestedAttribute{NestedObject: object, Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
		default:
			return schema.SingleNestedAttribute{Attributes: object.Attributes, Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
		}
	}
	ty, err := plainType(of)
	if err != nil {
		fail(err)
	}
	switch {
	case ty == cty.String:
		return schema.StringAttribute{Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
	case ty == cty.Bool:
		return schema.BoolAttribute{Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
	case ty == cty.Number:
		return schema.NumberAttribute{Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
	case ty.IsSetType():
		return schema.SetAttribute{ElementType: element(ty), Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, DeprecationMessage: deprecated}
	case ty.IsListType():
		return schema.ListAttribute{ElementType: element(ty), Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
	default:
		return schema.MapAttribute{ElementType: element(ty), Required: required, Optional: optional, Computed: computed, Sensitive: sensitive, WriteOnly: writeOnly, DeprecationMessage: deprecated}
	}
}

func element(ty cty.Type) attr.Type {
	if ty.ElementType() != cty.String {
		fail(fmt.Errorf("no attribute is made of %s", ty.FriendlyName()))
	}
	return types.StringType
}
