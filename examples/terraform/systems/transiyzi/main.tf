# A Transiyzi access token, which only a person can make. A project that it may read lets it be checked.
#
#   export TF_VAR_value=…
#   terraform init && terraform apply

terraform {
  # Write-only arguments and ephemeral variables; OpenTofu has them from 1.11, too.
  required_version = ">= 1.11"

  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }
}

variable "endpoint" {
  description = "The base URL of Transiyzi; null is the vendor's own."
  type        = string
  default     = null
}

variable "value" {
  description = "What the person was shown."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "project_id" {
  description = "A project that the token may read."
  type        = string
}

provider "tokenwright" {
  issuers = {
    # No credential: the value itself is asked about.
    transiyzi = {
      profile  = "transiyzi"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_adopted_token" "ci" {
  name       = "ci"
  value_wo   = var.value
  parameters = { project_id = var.project_id }
}

output "status" {
  value = tokenwright_adopted_token.ci.status
}
