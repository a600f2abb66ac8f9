action "tokenwright_disable" "ci" {
  config {
    token_id = tokenwright_api_token.ci.token_id
  }
}
