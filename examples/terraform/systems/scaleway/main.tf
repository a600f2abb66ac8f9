# A Scaleway IAM API key of an application.
#
#   export SCW_SECRET_KEY=…    # the secret key of somebody who may manage API keys
#   terraform init && terraform apply

terraform {
  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }
}

variable "endpoint" {
  description = "The base URL of Scaleway; null is the vendor's own."
  type        = string
  default     = null
}

variable "application_id" {
  description = "The IAM application that the key acts as."
  type        = string
}

provider "tokenwright" {
  # Unique among all states that manage tokens at the same issuers.
  manager = "examples/scaleway"

  issuers = {
    # The credential comes from SCW_SECRET_KEY.
    scaleway = {
      profile  = "scaleway"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_api_token" "ci" {
  name     = "ci"
  lifetime = "90d"
  rotation = { renew_before = "14d" }

  parameters = {
    application_id = var.application_id
  }
}

output "token_id" {
  value = tokenwright_api_token.ci.token_id
}

# What S3 wants beside the secret key.
output "access_key" {
  value = tokenwright_api_token.ci.public_parts["access_key"]
}

output "value" {
  value     = tokenwright_api_token.ci.value
  sensitive = true
}
