# The key pair: age-keygen -o ci.key, which prints the recipient.
variable "identity" {
  type      = string
  ephemeral = true
}

variable "recipient" {
  type = string
}

resource "tokenwright_api_token" "ci" {
  name          = "ci"
  scopes        = ["models:read"]
  lifetime      = "90d"
  secret_output = "encrypted"
  recipients    = [var.recipient]
}

# What is made with an ephemeral identity is ephemeral, too: it stands in no state and no plan.
locals {
  value = provider::tokenwright::decrypt(tokenwright_api_token.ci.encrypted_value, var.identity)
}
