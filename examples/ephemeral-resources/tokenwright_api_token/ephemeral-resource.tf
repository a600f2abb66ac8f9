# Minted when the run needs it, revoked at its end, and in no state.
ephemeral "tokenwright_api_token" "run" {
  name     = "terraform-run"
  scopes   = ["models:write"]
  lifetime = "1d"
}
