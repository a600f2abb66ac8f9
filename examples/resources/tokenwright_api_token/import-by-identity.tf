import {
  to = tokenwright_api_token.ci
  identity = {
    manager  = "gmfokolpicrsn"
    endpoint = "https://api.scaleway.com"
  }
}
