# What people made, and nobody used for a quarter.
data "tokenwright_api_tokens" "forgotten" {
  managed    = false
  unused_for = "90d"
}

output "forgotten" {
  value = { for token in data.tokenwright_api_tokens.forgotten.tokens : token.token_id => token.remote_name }
}
