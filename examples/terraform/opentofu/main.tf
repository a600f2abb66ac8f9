# With OpenTofu the state, which holds the value, and the plans are encrypted.
#
#   export SEEME_API_KEY=… TF_VAR_passphrase=…
#   tofu init && tofu apply
#
# A key of AWS KMS, Google Cloud KMS or OpenBao takes the place of a passphrase.

terraform {
  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }

  encryption {
    key_provider "pbkdf2" "ours" {
      passphrase = var.passphrase
    }

    method "aes_gcm" "ours" {
      keys = key_provider.pbkdf2.ours
    }

    state {
      method   = method.aes_gcm.ours
      enforced = true
    }

    plan {
      method   = method.aes_gcm.ours
      enforced = true
    }
  }
}

variable "passphrase" {
  description = "What the state is encrypted with, 16 characters at least."
  type        = string
  sensitive   = true
}

variable "endpoint" {
  description = "The base URL of SeeMe.ai; null is the vendor's own."
  type        = string
  default     = null
}

provider "tokenwright" {
  manager = "examples/opentofu"

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

output "value" {
  value     = tokenwright_api_token.ci.value
  sensitive = true
}
