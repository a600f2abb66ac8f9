# A token of cloud.online.net, which only a person can make. Move to Scaleway IAM where you can.
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
  description = "The base URL of cloud.online.net; null is the vendor's own."
  type        = string
  default     = null
}

variable "value" {
  description = "What the person was shown."
  type        = string
  sensitive   = true
  ephemeral   = true
}

provider "tokenwright" {
  issuers = {
    # No credential: the value itself is asked about.
    online-net = {
      profile  = "online-net"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_adopted_token" "ci" {
  name     = "ci"
  value_wo = var.value
}

output "status" {
  value = tokenwright_adopted_token.ci.status
}
