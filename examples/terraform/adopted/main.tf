# A seenode API key, which only a person can make: checked, followed, announced before its end, and
# delivered to a file. The state holds its fingerprint and never the key.
#
#   export TF_VAR_seenode_key=…    # the dashboard's "Create new secret"
#   terraform init && terraform apply
#
# For the next key, set the variable again and apply: nothing else has to be changed.

terraform {
  # Write-only arguments and ephemeral variables; OpenTofu has them from 1.11, too.
  required_version = ">= 1.11"

  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }
}

variable "seenode_key" {
  description = "The key that a person made."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "expires_at" {
  description = "When a person wants to have replaced it; null is never."
  type        = string
  default     = null
}

variable "endpoint" {
  description = "The base URL of seenode; null is the vendor's own."
  type        = string
  default     = null
}

variable "target" {
  description = "The file that the key is delivered to."
  type        = string
  default     = "seenode.key"
}

provider "tokenwright" {
  issuers = {
    # No credential: the key itself is asked about.
    seenode = {
      profile  = "seenode"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_adopted_token" "deploy" {
  name       = "deploy"
  value_wo   = var.seenode_key
  expires_at = var.expires_at
}

# A consumer takes the value from where it came, and value_version says when: it grows only with a key that
# was accepted. With a write-only argument the same is
#
#   secret_string_wo         = var.seenode_key
#   secret_string_wo_version = tokenwright_adopted_token.deploy.value_version
resource "terraform_data" "delivered" {
  triggers_replace = tokenwright_adopted_token.deploy.value_version

  provisioner "local-exec" {
    command = "umask 077 && printf %s \"$SEENODE_KEY\" > \"$TARGET\""

    environment = {
      SEENODE_KEY = var.seenode_key
      TARGET      = var.target
    }
  }
}

output "status" {
  value = tokenwright_adopted_token.deploy.status
}
