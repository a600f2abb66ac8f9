terraform {
  required_providers {
    tokenwright = {
      source = "tokenwright/tokenwright"
    }
  }
}

variable "hub_credential" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "tokenwright" {
  manager = "acme/net/${terraform.workspace}"

  issuers = {
    # The credential comes from SEEME_API_KEY.
    seeme = { profile = "seeme" }

    # A system of one's own, described by a profile.
    hub = {
      profile    = file("hub.yaml")
      endpoint   = "https://hub.example/hub/api"
      credential = var.hub_credential
    }
  }
}

resource "tokenwright_api_token" "ci" {
  issuer   = "seeme"
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "90d"
  rotation = { renew_before = "14d" }
}
