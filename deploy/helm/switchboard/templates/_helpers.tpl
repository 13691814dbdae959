{{- define "switchboard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "switchboard.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 57 | trimSuffix "-" }}
{{- else if contains (include "switchboard.name" .) .Release.Name }}
{{- .Release.Name | trunc 57 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "switchboard.name" .) | trunc 57 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "switchboard.selector" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "switchboard.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "switchboard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "switchboard.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "switchboard.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "switchboard.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* After SHUTDOWN_GRACE_MS there are up to 15 s for chat, last messages to other nodes and to media servers. */}}
{{- define "switchboard.terminationGracePeriod" -}}
{{- $drain := div (add .Values.shutdown.graceMs 999) 1000 }}
{{- add .Values.shutdown.preStopSeconds $drain 15 }}
{{- end }}

{{/* What would start and not work. */}}
{{- define "switchboard.check" -}}
{{- $given := merge (dict) .Values.config .Values.secrets }}
{{- if not (or (hasKey $given "JWKS_URL") (hasKey $given "JWT_PUBLIC_KEY") (hasKey $given "JWT_PUBLIC_KEY_FILE") (hasKey $given "DEV")) }}
{{- fail "config.JWKS_URL, or JWT_PUBLIC_KEY in config or secrets, is needed to verify tokens" }}
{{- end }}
{{- $several := or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}
{{- if and $several (not (or (hasKey $given "REDIS_URL") (hasKey $given "REDIS_URL_FILE") (hasKey $given "REDIS_HOST"))) }}
{{- fail "more than one node need a Redis: set secrets.REDIS_URL, config.REDIS_URL or config.REDIS_HOST, or replicaCount to 1" }}
{{- end }}
{{- range $name, $_ := .Values.secrets }}
{{- if hasKey $.Values.config $name }}
{{- fail (printf "%s is in config and in secrets: keep one" $name) }}
{{- end }}
{{- end }}
{{- end }}
