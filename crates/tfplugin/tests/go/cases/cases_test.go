// The cases of HashiCorp's own testing library on a real Terraform: it takes the provider from a mirror, as a
// user's Terraform does, and checks after every step that the next plan is empty.
package cases

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

const ci = "tokenwright_api_token.ci"

// A configuration after the block of the provider.
func with(rest string) string {
	return fmt.Sprintf(`
provider "tokenwright" {
  manager = "cases"
  issuers = { vendor = { profile = "seeme", endpoint = %q, request_timeout = "2s" } }
}
`, os.Getenv("ENDPOINT")) + rest
}

func token(more string) string {
	return with(fmt.Sprintf(`
resource "tokenwright_api_token" "ci" {
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "30d"
  %s
}
`, more))
}

var ours = map[string]resource.ExternalProvider{"tokenwright": {Source: "tokenwright/tokenwright"}}

func planned(action plancheck.ResourceActionType, checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	all := append([]plancheck.PlanCheck{plancheck.ExpectResourceAction(ci, action)}, checks...)
	return resource.ConfigPlanChecks{PreApply: all}
}

func TestATokenIsCreatedUpdatedRotatedImportedAndDestroyed(t *testing.T) {
	at := func(name string) tfjsonpath.Path { return tfjsonpath.New(name) }
	triggered := `rotation = { overlap = "2d", triggers = { leak = "1" } }`
	kept := statecheck.CompareValue(compared{})
	resource.Test(t, resource.TestCase{
		ExternalProviders: ours,
		Steps: []resource.TestStep{
			{
				Config: token(""),
				ConfigPlanChecks: planned(plancheck.ResourceActionCreate,
					plancheck.ExpectUnknownValue(ci, at("value")),
					plancheck.ExpectSensitiveValue(ci, at("value")),
				),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(ci, at("revision"), knownvalue.Int64Exact(1)),
					statecheck.ExpectKnownValue(ci, at("status"), knownvalue.StringExact("active")),
					statecheck.ExpectKnownValue(ci, at("encrypted_value"), knownvalue.Null()),
					statecheck.ExpectIdentity(ci, map[string]knownvalue.Check{
						"manager":    knownvalue.NotNull(),
						"endpoint":   knownvalue.StringExact(os.Getenv("ENDPOINT")),
						"parameters": knownvalue.Null(),
					}),
					kept.AddStateValue(ci, at("token_id")),
				},
			},
			{Config: token(""), PlanOnly: true},
			{RefreshState: true},
			{
				ResourceName:      ci,
				ImportState:       true,
				ImportStateKind:   resource.ImportBlockWithID,
				ImportStateIdFunc: idOf(ci),
			},
			{
				ResourceName:      ci,
				ImportState:       true,
				ImportStateKind:   resource.ImportBlockWithResourceIdentity,
				ImportStateIdFunc: idOf(ci),
			},
			{
				Config:           token(`on_loss = "report"`),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					kept.AddStateValue(ci, at("token_id")),
				},
			},
			{
				Config: token(triggered),
				ConfigPlanChecks: planned(plancheck.ResourceActionUpdate,
					plancheck.ExpectKnownValue(ci, at("revision"), knownvalue.Int64Exact(2)),
					plancheck.ExpectKnownValue(ci, at("rotation_reason"), knownvalue.StringExact("trigger `leak` changed")),
				),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(ci, at("retiring"), knownvalue.ListSizeExact(1)),
				},
			},
			{
				ResourceName:                         ci,
				ImportState:                          true,
				ImportStateIdFunc:                    idOf(ci),
				ImportStateVerify:                    true,
				ImportStateVerifyIdentifierAttribute: "token_id",
				// What the issuer does not tell, and what is of this state alone.
				ImportStateVerifyIgnore: []string{
					"value", "value_version", "public_parts", "record", "retiring", "rotated_at",
					"rotation_reason", "rotation", "renew_at", "created_at", "owner", "identity",
				},
			},
			{Config: token(triggered), Destroy: true},
		},
	})
}

// The values of one attribute in several steps are one value.
type compared struct{}

func (compared) CompareValues(values ...any) error {
	for _, value := range values {
		if value != values[0] {
			return fmt.Errorf("they differ: %v", values)
		}
	}
	return nil
}

func idOf(name string) resource.ImportStateIdFunc {
	return func(state *terraform.State) (string, error) {
		found, ok := state.RootModule().Resources[name]
		if !ok {
			return "", fmt.Errorf("there is no %s", name)
		}
		return found.Primary.Attributes["token_id"], nil
	}
}

func TestWhatCannotBeIsRefusedAndAnotherIssuerReplaces(t *testing.T) {
	parameters := `parameters = { organization_id = "org-1" }`
	resource.Test(t, resource.TestCase{
		ExternalProviders: ours,
		Steps: []resource.TestStep{
			{Config: token(`on_loss = "panic"`), ExpectError: regexp.MustCompile(`"remint"\s+or\s+"report"`)},
			{Config: token(`parameters = { team = "a" }`), ExpectError: regexp.MustCompile(`team\s+is\s+not\s+known`)},
			{Config: token("")},
			{
				Config:             token(parameters),
				PlanOnly:           true,
				ExpectNonEmptyPlan: true,
				ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPreRefresh: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(ci, plancheck.ResourceActionReplace),
					plancheck.ExpectUnknownValue(ci, tfjsonpath.New("token_id")),
				}},
			},
		},
	})
}

func TestATokenOfAPersonIsTakenUpAndARetirementEndsTheFormer(t *testing.T) {
	with := func(leak string) string {
		return token(fmt.Sprintf(`rotation = { triggers = { leak = %q } }`, leak)) + `
resource "tokenwright_adopted_token" "held" {
  name             = "held"
  expires_at       = "2099-01-01T00:00:00Z"
  value_wo         = tokenwright_api_token.ci.value
  value_wo_version = tokenwright_api_token.ci.value_version
}
resource "tokenwright_retirement" "ci" {
  token_id   = tokenwright_api_token.ci.token_id
  depends_on = [tokenwright_adopted_token.held]
}
`
	}
	revoked := func(check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("tokenwright_retirement.ci", tfjsonpath.New("revoked_token_id"), check)
	}
	alive := statecheck.ExpectKnownValue("tokenwright_adopted_token.held", tfjsonpath.New("status"), knownvalue.StringExact("alive"))
	resource.Test(t, resource.TestCase{
		TerraformVersionChecks: []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_11_0)},
		ExternalProviders:      ours,
		Steps: []resource.TestStep{
			{Config: with("1"), ConfigStateChecks: []statecheck.StateCheck{alive, revoked(knownvalue.Null())}},
			{Config: with("2"), ConfigStateChecks: []statecheck.StateCheck{alive, revoked(knownvalue.NotNull())}},
		},
	})
}

func TestAnEphemeralTokenIsOpenedForEachRun(t *testing.T) {
	resource.Test(t, resource.TestCase{
		TerraformVersionChecks: []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_10_0)},
		ExternalProviders:      ours,
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"echo": echoprovider.NewProviderServer(),
		},
		Steps: []resource.TestStep{{
			Config: with(`
ephemeral "tokenwright_api_token" "run" {
  name     = "run"
  scopes   = ["models:read"]
  lifetime = "1d"
}
provider "echo" {
  data = ephemeral.tokenwright_api_token.run
}
resource "echo" "seen" {}
`),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("value"), knownvalue.NotNull()),
				statecheck.ExpectKnownValue("echo.seen", tfjsonpath.New("data").AtMapKey("name"), knownvalue.StringExact("run")),
			},
		}},
	})
}

func TestWhatAnIssuerShowsIsReadAndAValueIsDecrypted(t *testing.T) {
	identity, recipient := os.Getenv("IDENTITY"), os.Getenv("RECIPIENT")
	encrypted := fmt.Sprintf("secret_output = \"encrypted\"\n  recipients = [%q]", recipient)
	resource.Test(t, resource.TestCase{
		ExternalProviders: ours,
		Steps: []resource.TestStep{{
			Config: token(encrypted) + fmt.Sprintf(`
data "tokenwright_api_token" "ci" {
  token_id = tokenwright_api_token.ci.token_id
}
data "tokenwright_api_tokens" "managed" {
  managed    = true
  depends_on = [tokenwright_api_token.ci]
}
data "tokenwright_identity" "me" {}
output "shown" {
  value = data.tokenwright_api_token.ci.name
}
output "length" {
  value = length(provider::tokenwright::decrypt(tokenwright_api_token.ci.encrypted_value, %q))
}
`, identity),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("shown", knownvalue.StringExact("ci")),
				statecheck.ExpectKnownOutputValue("length", knownvalue.NotNull()),
				statecheck.ExpectKnownValue("data.tokenwright_api_tokens.managed", tfjsonpath.New("token_ids"), knownvalue.ListSizeExact(1)),
				statecheck.ExpectKnownValue("data.tokenwright_identity.me", tfjsonpath.New("endpoint"), knownvalue.NotNull()),
			},
		}},
	})
}
