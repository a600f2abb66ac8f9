{{/* The name of the application. */}}
{{- define "tokenwright.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of what belongs to the release; the name of the chart is not repeated in it. */}}
{{- define "tokenwright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "tokenwright.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The name of the Service, which is one word of DNS: no dots, a letter first, at most 63 characters. */}}
{{- define "tokenwright.metricsName" -}}
{{- $name := include "tokenwright.fullname" . | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "n%s" $name }}{{ end -}}
{{- printf "%s-metrics" ($name | trunc 55 | trimSuffix "-") -}}
{{- end -}}

{{/* The name of the port that serves the metrics. */}}
{{- define "tokenwright.metricsPort" -}}
{{- ternary "health" "metrics" (eq (int .Values.metrics.port) (int .Values.health.port)) -}}
{{- end -}}

{{- define "tokenwright.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tokenwright.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tokenwright.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "tokenwright.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "tokenwright.serviceAccountName" -}}
{{- default (include "tokenwright.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The ports that a policy opens: those that are named, and those of whatever other values name, each once. */}}
{{- define "tokenwright.egressPorts" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.egressPorts }}{{ $ports = append $ports (int .) }}{{ end -}}
{{- range compact (list .Values.proxy.https .Values.traces.endpoint) -}}
{{- $port := (urlParse .).host | regexFind ":[0-9]+$" | trimPrefix ":" -}}
{{- $ports = append $ports (int (default (hasPrefix "https:" . | ternary "443" "80") $port)) -}}
{{- end -}}
{{- range .Values.allowHosts -}}
{{- with regexFind ":[0-9]+$" . }}{{ $ports = append $ports (int (trimPrefix ":" .)) }}{{ end -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end -}}

{{/*
What the operator may do where ApiTokens live.
The same rules stand in the ClusterRole, or in a Role of each watched namespace.
*/}}
{{- define "tokenwright.rules" -}}
# Reads what is wanted. It never creates or deletes these; a person does.
- apiGroups: [tokenwright.dev]
  resources: [apitokens, tokenissuers]
  verbs: [list, watch]
# Reads an ApiToken once more just before it ends a token: a watch may lag behind.
- apiGroups: [tokenwright.dev]
  resources: [apitokens]
  verbs: [get]
# Reads a TokenIssuer that this version does not understand, to say so in its conditions.
- apiGroups: [tokenwright.dev]
  resources: [tokenissuers]
  verbs: [get]
# Sets and drops the finalizer that holds an ApiToken until its tokens are revoked, and a TokenIssuer while ApiTokens need it.
- apiGroups: [tokenwright.dev]
  resources: [apitokens, tokenissuers]
  verbs: [patch]
# Writes down each intent to mint before it mints, and what came of it.
- apiGroups: [tokenwright.dev]
  resources: [apitokens/status, tokenissuers/status]
  verbs: [update]
# Reads the Secret that an ApiToken or a TokenIssuer names, by its name and only when it acts on it.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
# Watches its own Secrets, by label and as metadata; Kubernetes cannot narrow this permission to a label.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
# Delivers a value: creates the Secret, or updates it at the version that was read.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, update]
# Labels the Secret of a credential and holds it by a finalizer while it is needed; releases a Secret under the policy Retain.
- apiGroups: [""]
  resources: [secrets]
  verbs: [patch]
# Removes the Secret of an ApiToken that is deleted under the policy Revoke.
- apiGroups: [""]
  resources: [secrets]
  verbs: [delete]
{{- if not .Values.watchNamespaces }}
# Reads the issuers that many namespaces share, and the profiles of an administrator.
- apiGroups: [tokenwright.dev]
  resources: [clustertokenissuers, tokenprofiles]
  verbs: [get, list, watch]
# Sets and drops the finalizer that holds a ClusterTokenIssuer while ApiTokens need it.
- apiGroups: [tokenwright.dev]
  resources: [clustertokenissuers]
  verbs: [patch]
# Says how they stand.
- apiGroups: [tokenwright.dev]
  resources: [clustertokenissuers/status, tokenprofiles/status]
  verbs: [update]
# Knows which namespaces the labels in a grant mean; as metadata.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}
# Tells what happened, once per transition.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
