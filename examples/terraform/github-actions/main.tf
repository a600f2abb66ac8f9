# A token for the workflows of a repository: rotated here, and delivered to the secrets of GitHub Actions.
#
#   export SEEME_API_KEY=… GH_TOKEN=…
#   terraform init && terraform apply -var repository=acme/web
#
# Run it every night, in a workflow of its own. The previous value stays valid until it expires, so that a
# workflow that is under way ends well.

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

variable "repository" {
  description = "The repository, as OWNER/NAME."
  type        = string
  default     = "acme/web"
}

provider "tokenwright" {
  manager = "examples/github-actions"

  issuers = {
    # The credential comes from SEEME_API_KEY.
    seeme = {
      profile  = "seeme"
      endpoint = var.endpoint
    }
  }
}

resource "tokenwright_api_token" "workflows" {
  name     = "workflows of ${var.repository}"
  scopes   = ["models:read"]
  lifetime = "30d"
  rotation = { renew_before = "10d" }
}

# With the provider integrations/github it is a github_actions_secret with the value as plaintext_value;
# this way the value stands in one state less.
resource "terraform_data" "delivered" {
  triggers_replace = tokenwright_api_token.workflows.value_version

  provisioner "local-exec" {
    command = "printf %s \"$VALUE\" | gh secret set SEEME_API_KEY --repo \"$REPOSITORY\""

    environment = {
      VALUE      = tokenwright_api_token.workflows.value
      REPOSITORY = var.repository
    }
  }
}
