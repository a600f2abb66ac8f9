data "tokenwright_api_token" "deploy" {
  name = "deploy"
}

check "deploy_is_used" {
  assert {
    condition     = data.tokenwright_api_token.deploy.last_used_at != null
    error_message = "Nobody uses the token of the deployment."
  }
}
