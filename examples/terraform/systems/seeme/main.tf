# A SeeMe.ai API key that may read models.
#
#   export SEEME_API_KEY=…    # an API key of the account
#   terraform init && terraform apply

terraform {
  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }
}

variable "endpoint" {
  description = "The base URL of SeeMe.ai; null is the vendor's own."
  type        = string
  default     = null
}

provider "tokenwright" {
  # Unique among all states that manage tokens at the same issuers.
  manager = "examples/seeme"

  issuers = {
    # The credential comes from SEEME_API_KEY.
    seeme = {
      profile  = "seeme"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_api_token" "ci" {
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "90d"
  rotation = { renew_before = "14d" }
}

output "token_id" {
  value = tokenwright_api_token.ci.token_id
}

output "value" {
  value     = tokenwright_api_token.ci.value
  sensitive = true
}
