import {
  to = tokenwright_api_token.ci
  identity = {
    manager  = "k3v9x0b2m4qd"
    endpoint = "https://api.scaleway.com"
  }
}
