# A Terrakube token of a user.
#
#   export TERRAKUBE_TOKEN=…    # a token of this user
#   terraform init && terraform apply

terraform {
  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }
}

variable "endpoint" {
  description = "The base URL of Terrakube; null is the vendor's own."
  type        = string
  default     = null
}

provider "tokenwright" {
  # Unique among all states that manage tokens at the same issuers.
  manager = "examples/terrakube-user"

  issuers = {
    # The credential comes from TERRAKUBE_TOKEN.
    terrakube-user = {
      profile  = "terrakube-user"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_api_token" "ci" {
  name     = "ci"
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
