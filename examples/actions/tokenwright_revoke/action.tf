action "tokenwright_revoke" "ci" {
  config {
    token_id = tokenwright_api_token.ci.token_id
  }
}
