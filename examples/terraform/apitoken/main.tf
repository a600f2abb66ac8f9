# An ApiToken that Terraform declares and the operator carries out: Terraform never sees the value, and the
# rotation waits for no apply.
#
#   export KUBECONFIG=…
#   terraform init && terraform apply
#
# With the provider hashicorp/kubernetes the object is the `manifest` of a kubernetes_manifest.

variable "namespace" {
  description = "The namespace of the team; the TokenIssuer is there."
  type        = string
  default     = "team-a"
}

variable "issuer" {
  description = "The TokenIssuer."
  type        = string
  default     = "seeme"
}

resource "terraform_data" "ci" {
  input = {
    apiVersion = "tokenwright.dev/v1alpha1"
    kind       = "ApiToken"
    metadata = {
      name      = "of-terraform"
      namespace = var.namespace
    }
    spec = {
      issuerRef = { name = var.issuer }
      token = {
        name     = "of-terraform"
        scopes   = ["models:read"]
        lifetime = "90d"
      }
      rotation = { renewBefore = "30d", overlap = "24h" }
      secret   = { name = "of-terraform-token" }
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "kubectl delete apitoken --namespace \"$NAMESPACE\" \"$NAME\" --ignore-not-found"

    environment = {
      NAMESPACE = self.output.metadata.namespace
      NAME      = self.output.metadata.name
    }
  }
}

resource "terraform_data" "applied" {
  triggers_replace = terraform_data.ci.output

  provisioner "local-exec" {
    command = <<-END
      printf %s "$OBJECT" | kubectl apply --server-side --field-manager terraform --filename -
      kubectl wait apitoken --namespace "$NAMESPACE" "$NAME" --for condition=Ready --timeout 120s
    END

    environment = {
      OBJECT    = jsonencode(terraform_data.ci.output)
      NAMESPACE = terraform_data.ci.output.metadata.namespace
      NAME      = terraform_data.ci.output.metadata.name
    }
  }
}
