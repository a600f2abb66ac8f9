# Whose credential it is, before anything is minted with it.
data "tokenwright_identity" "us" {}

output "minted_by" {
  value = data.tokenwright_identity.us.identity
}
