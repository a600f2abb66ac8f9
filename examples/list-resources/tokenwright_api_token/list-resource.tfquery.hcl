# In a file whose name ends with .tfquery.hcl, for `terraform query`.
list "tokenwright_api_token" "of_ci" {
  provider = tokenwright

  config {
    name_prefix = "ci"
  }
}
