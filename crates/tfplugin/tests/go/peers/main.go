// Stands in for the providers from whose token resources people come, on HashiCorp's framework: their names
// and attributes as their documentation has them, and nobody's API. Which provider it is, the name of the
// program says.
//
// What the system would answer to a create stands in the file that MADE names, by the type of the resource:
// a token that somebody made there. What a delete ends is written to the file that ENDED names.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	settings "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// One type of resource: texts and numbers that are configured, sets of texts, what the system answers, and
// what of that is secret.
type kind struct{ texts, numbers, sets, answers, secret []string }

// A schedule ends nothing.
const schedule = "time_rotating"

// A store of secrets: texts that are configured, the value that it is given and never shows, and its version.
type store struct {
	texts          []string
	value, version string
}

// Those of the guides.
var stores = map[string]store{
	"aws_secretsmanager_secret":            {},
	"aws_secretsmanager_secret_version":    {[]string{"secret_id"}, "secret_string_wo", "secret_string_wo_version"},
	"google_secret_manager_secret":         {},
	"google_secret_manager_secret_version": {[]string{"secret"}, "secret_data_wo", "secret_data_wo_version"},
	"kubernetes_secret_v1":                 {nil, "data_wo", "data_wo_revision"},
	"vault_kv_secret_v2":                   {[]string{"mount", "name"}, "data_json_wo", "data_json_wo_version"},
}

// What a configured attribute holds that is none of these.
const anything = "policies"

// What the provider block may say.
var configured = map[string][]string{
	"artifactory": {"url"},
	"aws":         {"region"},
	"azuread":     {"tenant_id"},
	"cloudflare":  {},
	"datadog":     {"api_url"},
	"gitlab":      {"base_url"},
	"google":      {"project"},
	"grafana":     {"url"},
	"kubernetes":  {},
	"newrelic":    {"account_id"},
	"note":        {},
	"okta":        {"org_name", "base_url"},
	"restapi":     {"uri"},
	"scaleway":    {"organization_id", "project_id"},
	"terrakube":   {"endpoint", "token"},
	"tfe":         {},
	"time":        {},
	"vault":       {"address", "token", "skip_child_token"},
}

var kinds = map[string]kind{
	"aws_iam_access_key":                         {[]string{"user", "status"}, nil, nil, []string{"id", "create_date"}, []string{"secret"}},
	"artifactory_scoped_token":                   {[]string{"username", "description"}, []string{"expires_in"}, []string{"scopes"}, []string{"id"}, []string{"access_token"}},
	"azuread_application_password":               {[]string{"application_id", "display_name"}, nil, nil, []string{"id", "key_id"}, []string{"value"}},
	"cloudflare_account_token":                   {[]string{"account_id", "name", anything}, nil, nil, []string{"id"}, []string{"value"}},
	"cloudflare_zero_trust_access_service_token": {[]string{"account_id", "name", "previous_client_secret_expires_at"}, []string{"client_secret_version"}, nil, []string{"id", "client_id", "expires_at"}, []string{"client_secret"}},
	"datadog_service_access_token":               {[]string{"service_account_id", "name", "expires_at"}, nil, []string{"scopes"}, []string{"id"}, []string{"key"}},
	"databricks_token":                           {[]string{"comment"}, []string{"lifetime_seconds"}, nil, []string{"id"}, []string{"token_value"}},
	"sendgrid_api_key":                           {[]string{"name"}, nil, []string{"scopes"}, []string{"id"}, []string{"api_key"}},
	"datadog_api_key":                            {[]string{"name"}, nil, nil, []string{"id"}, []string{"key"}},
	"vault_token":                                {[]string{"ttl", "no_parent"}, nil, []string{"policies"}, []string{"id"}, []string{"client_token"}},
	"google_service_account_key":                 {[]string{"service_account_id"}, nil, nil, []string{"id", "name", "valid_after"}, []string{"private_key"}},
	"grafana_service_account_token":              {[]string{"name", "service_account_id"}, []string{"seconds_to_live"}, nil, []string{"id", "expiration"}, []string{"key"}},
	"gitlab_project_access_token":                {[]string{"project", "name", "access_level", "expires_at"}, nil, []string{"scopes"}, []string{"id", "created_at"}, []string{"token"}},
	"newrelic_api_access_key":                    {[]string{"key_type", "ingest_type", "name"}, []string{"account_id"}, nil, []string{"id"}, []string{"key"}},
	"note_file":                                  {[]string{"path", "text"}, nil, nil, []string{"bytes"}, nil},
	"okta_api_token":                             {[]string{"name", "user_id"}, nil, nil, []string{"id"}, nil},
	"okta_app_oauth":                             {[]string{"label", "type", "omit_secret"}, nil, []string{"grant_types", "response_types"}, []string{"id", "client_id"}, []string{"client_secret"}},
	"restapi_object":                             {[]string{"path", "data", "id_attribute", "destroy_path", "read_path", "update_path", "update_method"}, nil, []string{"force_new"}, []string{"id", "api_response", "create_response"}, nil},
	"scaleway_iam_api_key":                       {[]string{"application_id", "user_id", "description", "expires_at"}, nil, nil, []string{"id", "access_key", "created_at"}, []string{"secret_key"}},
	"tfe_team_token":                             {[]string{"team_id", "description", "expired_at"}, nil, nil, []string{"id"}, []string{"token"}},
	schedule:                                     {nil, []string{"rotation_days", "rotation_hours", "rotation_minutes", "rotation_months", "rotation_years"}, nil, []string{"id", "rotation_rfc3339"}, nil},
	"terrakube_team_token":                       {[]string{"team_name", "description"}, []string{"days", "hours", "minutes"}, nil, []string{"id"}, []string{"value"}},
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	name, _, _ = strings.Cut(name, "_")
	options := providerserver.ServeOpts{Address: "registry.terraform.io/stand-in/" + name}
	err := providerserver.Serve(context.Background(), func() provider.Provider { return peer{name} }, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type peer struct{ name string }

func (p peer) Metadata(_ context.Context, _ provider.MetadataRequest, answer *provider.MetadataResponse) {
	answer.TypeName = p.name
}

func (p peer) Schema(_ context.Context, _ provider.SchemaRequest, answer *provider.SchemaResponse) {
	answer.Schema.Attributes = map[string]settings.Attribute{}
	for _, name := range configured[p.name] {
		answer.Schema.Attributes[name] = settings.StringAttribute{Optional: true}
	}
}

func (peer) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (peer) DataSources(context.Context) []func() datasource.DataSource                        { return nil }
func (p peer) Resources(context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for name, of := range kinds {
		if strings.HasPrefix(name, p.name+"_") {
			all = append(all, func() resource.Resource { return token{name, of, store{}} })
		}
	}
	for name, of := range stores {
		if strings.HasPrefix(name, p.name+"_") {
			all = append(all, func() resource.Resource { return token{name, kind{answers: []string{"id"}}, of} })
		}
	}
	return all
}

type token struct {
	name string
	kind
	store
}

func (t token) Metadata(_ context.Context, _ resource.MetadataRequest, answer *resource.MetadataResponse) {
	answer.TypeName = t.name
}

func (t token) Schema(_ context.Context, _ resource.SchemaRequest, answer *resource.SchemaResponse) {
	all := map[string]schema.Attribute{}
	for _, name := range append(t.kind.texts, t.store.texts...) {
		all[name] = schema.StringAttribute{Optional: true}
		if name == anything {
			all[name] = schema.DynamicAttribute{Optional: true}
		}
	}
	for _, name := range t.numbers {
		all[name] = schema.NumberAttribute{Optional: true}
	}
	for _, name := range t.sets {
		all[name] = schema.SetAttribute{ElementType: types.StringType, Optional: true}
	}
	stays := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	for _, name := range t.answers {
		all[name] = schema.StringAttribute{Computed: true, PlanModifiers: stays}
	}
	for _, name := range t.secret {
		all[name] = schema.StringAttribute{Computed: true, Sensitive: true, PlanModifiers: stays}
	}
	blocks := map[string]schema.Block{}
	if t.version != "" {
		all[t.version] = schema.Int64Attribute{Optional: true}
		all[t.value] = schema.StringAttribute{Optional: true, Sensitive: true, WriteOnly: true}
	}
	if t.value == "data_wo" {
		all[t.value] = schema.MapAttribute{ElementType: types.StringType, Optional: true, Sensitive: true, WriteOnly: true}
		names := map[string]schema.Attribute{"name": schema.StringAttribute{Required: true}, "namespace": schema.StringAttribute{Optional: true}}
		inside := schema.NestedBlockObject{Attributes: names}
		blocks["metadata"] = schema.ListNestedBlock{NestedObject: inside}
	}
	answer.Schema = schema.Schema{Attributes: all, Blocks: blocks}
}

func (t token) Create(ctx context.Context, asked resource.CreateRequest, answer *resource.CreateResponse) {
	answer.State.Raw = asked.Plan.Raw
	made := map[string]map[string]string{}
	text, err := os.ReadFile(os.Getenv("MADE"))
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		answer.Diagnostics.AddError("Nobody made a token", err.Error())
		return
	}
	for _, name := range append(t.answers, t.secret...) {
		value := types.StringNull()
		if told, found := made[t.name][name]; found {
			value = types.StringValue(told)
		}
		answer.Diagnostics.Append(answer.State.SetAttribute(ctx, path.Root(name), value)...)
	}
}

func (token) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (token) Update(_ context.Context, asked resource.UpdateRequest, answer *resource.UpdateResponse) {
	answer.State.Raw = asked.Plan.Raw
}

func (t token) Delete(ctx context.Context, asked resource.DeleteRequest, answer *resource.DeleteResponse) {
	if t.name == schedule {
		return
	}
	var id types.String
	answer.Diagnostics.Append(asked.State.GetAttribute(ctx, path.Root("id"), &id)...)
	if err := os.WriteFile(os.Getenv("ENDED"), []byte(id.ValueString()), 0o600); err != nil {
		answer.Diagnostics.AddError("The token was not ended", err.Error())
	}
}
