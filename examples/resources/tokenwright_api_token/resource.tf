resource "tokenwright_api_token" "ci" {
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "90d"
  rotation = { renew_before = "14d", overlap = "7d" }
}
