# A SeeMe.ai API key that is rotated before it expires.
#
#   export SEEME_API_KEY=…
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

variable "request_timeout" {
  description = "The longest time for one request; an answer that comes later counts as lost."
  type        = string
  default     = null
}

provider "tokenwright" {
  # Unique among all states that manage tokens at the same issuers.
  manager = "quickstart"

  issuers = {
    # The credential comes from SEEME_API_KEY.
    seeme = {
      profile         = "seeme"
      endpoint        = var.endpoint
      request_timeout = var.request_timeout
    }
  }
}

resource "tokenwright_api_token" "ci" {
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "20d"

  # Rotated when one third of the lifetime is left; the previous value stays valid until it expires.
  rotation = {}
}

output "token_id" {
  value = tokenwright_api_token.ci.token_id
}

output "value" {
  value     = tokenwright_api_token.ci.value
  sensitive = true
}
