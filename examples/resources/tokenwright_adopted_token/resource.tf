# Made by a person, given to each run, and stored in no state.
variable "deploy_key" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "tokenwright_adopted_token" "deploy" {
  name        = "deploy"
  value_wo    = var.deploy_key
  expires_at  = "2036-01-31T00:00:00Z"
  warn_before = "2w"
}

# A consumer takes the value from where it came, and this says when: it grows only with a value that was accepted.
resource "terraform_data" "consumer" {
  triggers_replace = tokenwright_adopted_token.deploy.value_version
}
