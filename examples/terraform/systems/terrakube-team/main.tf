# A Terrakube token of a team.
#
#   export TERRAKUBE_TOKEN=…    # a token of somebody in the team
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

variable "team" {
  description = "The team that the token acts as; whoever mints must be in it."
  type        = string
}

provider "tokenwright" {
  # Unique among all states that manage tokens at the same issuers.
  manager = "examples/terrakube-team"

  issuers = {
    # The credential comes from TERRAKUBE_TOKEN.
    terrakube-team = {
      profile  = "terrakube-team"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_api_token" "ci" {
  name     = "ci"
  lifetime = "90d"
  rotation = { renew_before = "14d" }

  parameters = {
    team = var.team
  }
}

output "token_id" {
  value = tokenwright_api_token.ci.token_id
}

output "value" {
  value     = tokenwright_api_token.ci.value
  sensitive = true
}
