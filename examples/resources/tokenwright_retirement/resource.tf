resource "tokenwright_api_token" "ci" {
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "90d"
  rotation = { triggers = { leaked = "found in a log on 2027-01-31" } }
}

# A consumer, such as a secret of a cloud.
resource "terraform_data" "consumer" {
  triggers_replace = tokenwright_api_token.ci.value_version
}

# The former token ends when the consumer has the next one, in the same apply.
resource "tokenwright_retirement" "ci" {
  token_id   = tokenwright_api_token.ci.token_id
  depends_on = [terraform_data.consumer]
}
