{{/* Names are cut to 63 characters, the most that DNS takes. */}}
{{- define "gantry.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gantry.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "gantry.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gantry.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gantry.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gantry.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gantry.labels" -}}
{{ include "gantry.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "gantry.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "gantry.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gantry.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The secret with the root user's credentials; empty when they are made at the first start. */}}
{{- define "gantry.rootSecret" -}}
{{- if .Values.root.existingSecret -}}
{{- .Values.root.existingSecret -}}
{{- else if .Values.root.accessKeyId -}}
{{- include "gantry.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* The secret with the database's address; empty with SQLite. */}}
{{- define "gantry.databaseSecret" -}}
{{- if .Values.database.existingSecret -}}
{{- .Values.database.existingSecret -}}
{{- else if .Values.database.url -}}
{{- include "gantry.fullname" . -}}
{{- end -}}
{{- end -}}

{{- define "gantry.scheme" -}}
{{- ternary "https" "http" .Values.tls.enabled -}}
{{- end -}}

{{/* What the schema cannot say: how values go together. */}}
{{- define "gantry.check" -}}
{{- if and (gt (int .Values.replicaCount) 1) (not (include "gantry.databaseSecret" .)) -}}
{{- fail "replicaCount is more than 1, and SQLite has one writer: set database.url or database.existingSecret" -}}
{{- end -}}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.persistence.enabled) -}}
{{- fail "replicaCount is more than 1, and each pod would have its own blobs: set persistence.enabled" -}}
{{- end -}}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.persistence.existingClaim) (not (has "ReadWriteMany" .Values.persistence.accessModes)) -}}
{{- fail "replicaCount is more than 1: persistence.accessModes needs ReadWriteMany, so that all pods have the same blobs" -}}
{{- end -}}
{{- if and .Values.tls.enabled (not .Values.tls.secretName) -}}
{{- fail "tls.enabled needs tls.secretName, a secret of type kubernetes.io/tls" -}}
{{- end -}}
{{- if and (not .Values.root.existingSecret) (ne (empty .Values.root.accessKeyId) (empty .Values.root.secretAccessKey)) -}}
{{- fail "set both root.accessKeyId and root.secretAccessKey, or neither" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled" -}}
{{- end -}}
{{- range $key, $value := .Values.config -}}
{{- if not (kindIs "map" $value) -}}
{{- fail (printf "config.%s is no table; settings outside of tables have values of their own or go to extraEnv" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
