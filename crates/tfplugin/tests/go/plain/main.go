// A provider of the plainest kind on HashiCorp's framework, which others are measured beside: an API key of
// Scaleway with one create, one read and one delete, and nothing that would make any of them safe.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	options := providerserver.ServeOpts{Address: "registry.terraform.io/tokenwright/plain"}
	err := providerserver.Serve(context.Background(), func() provider.Provider { return plain{} }, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type plain struct{}

func (plain) Metadata(_ context.Context, _ provider.MetadataRequest, answer *provider.MetadataResponse) {
	answer.TypeName = "plain"
}
func (plain) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse)          {}
func (plain) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (plain) DataSources(context.Context) []func() datasource.DataSource                        { return nil }
func (plain) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return key{} }}
}

type key struct{}

type state struct {
	Application types.String `tfsdk:"application_id"`
	Description types.String `tfsdk:"description"`
	Trigger     types.String `tfsdk:"trigger"`
	AccessKey   types.String `tfsdk:"access_key"`
	SecretKey   types.String `tfsdk:"secret_key"`
}

func (key) Metadata(_ context.Context, _ resource.MetadataRequest, answer *resource.MetadataResponse) {
	answer.TypeName = "plain_key"
}

func (key) Schema(_ context.Context, _ resource.SchemaRequest, answer *resource.SchemaResponse) {
	replaces := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	answer.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"application_id": schema.StringAttribute{Required: true, PlanModifiers: replaces},
		"description":    schema.StringAttribute{Required: true, PlanModifiers: replaces},
		"trigger":        schema.StringAttribute{Optional: true, PlanModifiers: replaces},
		"access_key":     schema.StringAttribute{Computed: true},
		"secret_key":     schema.StringAttribute{Computed: true, Sensitive: true},
	}}
}

func (key) Create(ctx context.Context, asked resource.CreateRequest, answer *resource.CreateResponse) {
	var wanted state
	answer.Diagnostics.Append(asked.Plan.Get(ctx, &wanted)...)
	made := struct {
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
	}{}
	body := map[string]string{
		"application_id": wanted.Application.ValueString(),
		"description":    wanted.Description.ValueString(),
	}
	if _, err := call(ctx, http.MethodPost, "", body, &made); err != nil {
		answer.Diagnostics.AddError("The key was not made", err.Error())
		return
	}
	wanted.AccessKey = types.StringValue(made.AccessKey)
	wanted.SecretKey = types.StringValue(made.SecretKey)
	answer.Diagnostics.Append(answer.State.Set(ctx, wanted)...)
}

func (key) Read(ctx context.Context, asked resource.ReadRequest, answer *resource.ReadResponse) {
	var id types.String
	answer.Diagnostics.Append(asked.State.GetAttribute(ctx, path.Root("access_key"), &id)...)
	status, err := call(ctx, http.MethodGet, "/"+id.ValueString(), nil, nil)
	if status == http.StatusNotFound {
		answer.State.RemoveResource(ctx)
	} else if err != nil {
		answer.Diagnostics.AddError("The key was not read", err.Error())
	}
}

func (key) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}

func (key) Delete(ctx context.Context, asked resource.DeleteRequest, answer *resource.DeleteResponse) {
	var id types.String
	answer.Diagnostics.Append(asked.State.GetAttribute(ctx, path.Root("access_key"), &id)...)
	status, err := call(ctx, http.MethodDelete, "/"+id.ValueString(), nil, nil)
	if err != nil && status != http.StatusNotFound {
		answer.Diagnostics.AddError("The key was not deleted", err.Error())
	}
}

func call(ctx context.Context, method, of string, body, into any) (int, error) {
	text := []byte{}
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	url := os.Getenv("PLAIN_ENDPOINT") + "/iam/v1alpha1/api-keys" + of
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Auth-Token", os.Getenv("SCW_SECRET_KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return answer.StatusCode, fmt.Errorf("%s %s: %s", method, of, answer.Status)
	}
	if into == nil {
		return answer.StatusCode, nil
	}
	return answer.StatusCode, json.NewDecoder(answer.Body).Decode(into)
}
