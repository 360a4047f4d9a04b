{{/*
The pod of every component. Arguments: root, component, args (list), values (resources, terminationGracePeriodSeconds),
database (list of "app", "intake", "relay", "owner", "backup"), databaseSecret (default database.secretName), redis (whose user of Valkey: "web", "worker", "relay"), sessions (bool), vault (bool), auditHeads (bool), backups (bool), http (bool), pool (label, optional),
serviceAccount (name).
No component gets a credential it does not need.
*/}}
{{- define "fairlead.pod" -}}
{{- $root := .root -}}
{{- $databaseSecret := default $root.Values.database.secretName .databaseSecret -}}
metadata:
  labels:
    {{- include "fairlead.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with .pool }}
    fairlead/pool: {{ . }}
    {{- end }}
spec:
  {{- with .serviceAccount }}
  serviceAccountName: {{ . }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with .values.terminationGracePeriodSeconds }}
  terminationGracePeriodSeconds: {{ . }}
  {{- end }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile:
      type: RuntimeDefault
  {{- with $root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not .restartPolicy }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "fairlead.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
          {{- with .pool }}
          fairlead/pool: {{ . }}
          {{- end }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "fairlead.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{- toYaml .args | nindent 8 }}
      env:
        {{- if .http }}
        {{- with $root.Values.ingress.trustedProxies }}
        - name: FAIRLEAD_TRUSTED_PROXIES
          value: {{ join "," . | quote }}
        {{- end }}
        {{- end }}
        {{- range .database }}
        {{- $env := dict "owner" "DATABASE_URL" "app" "DATABASE_APP_URL" "intake" "DATABASE_INTAKE_URL" "relay" "DATABASE_RELAY_URL" "backup" "DATABASE_BACKUP_URL" }}
        {{- $secretName := eq . "backup" | ternary (default $root.Values.database.secretName $root.Values.backup.databaseSecretName) $databaseSecret }}
        {{- include "fairlead.secretEnv" (dict "name" (get $env .) "secretName" $secretName "key" (get $root.Values.database (printf "%sKey" .))) | nindent 8 }}
        {{- end }}
        {{- if .redis }}
        {{- include "fairlead.secretEnv" (dict "name" "REDIS_URL" "secretName" $root.Values.redis.secretName "key" (get $root.Values.redis (printf "%sKey" .redis))) | nindent 8 }}
        {{- end }}
        {{- if .sessions }}
        {{- include "fairlead.secretEnv" (dict "name" "FAIRLEAD_SESSION_KEY" "secretName" $root.Values.session.secretName "key" $root.Values.session.keyKey) | nindent 8 }}
        {{- end }}
        {{- if or .http .auditHeads }}
        {{- with $root.Values.mail }}
        {{- if .host }}
        - name: FAIRLEAD_SMTP_HOST
          value: {{ .host | quote }}
        - name: FAIRLEAD_SMTP_TLS
          value: {{ .tls | quote }}
        {{- with .user }}
        - name: FAIRLEAD_SMTP_USER
          value: {{ . | quote }}
        {{- end }}
        {{- with .from }}
        - name: FAIRLEAD_MAIL_FROM
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
        {{- end }}
        {{- end }}
        {{- if and .auditHeads $root.Values.mail.host $root.Values.mail.user }}
        {{- include "fairlead.secretEnv" (dict "name" "FAIRLEAD_SMTP_PASSWORD" "secretName" $root.Values.mail.passwordSecretName "key" $root.Values.mail.passwordKey) | nindent 8 }}
        {{- end }}
        {{- if .auditHeads }}
        {{- with $root.Values.audit.headsUrl }}
        - name: FAIRLEAD_AUDIT_HEADS_URL
          value: {{ . | quote }}
        {{- include "fairlead.secretEnv" (dict "name" "FAIRLEAD_AUDIT_HEADS_SECRET" "secretName" $root.Values.audit.headsSecretName "key" $root.Values.audit.headsSecretKey) | nindent 8 }}
        {{- end }}
        {{- end }}
        {{- if and (or .http .auditHeads) $root.Values.stripe.secretName }}
        {{- with $root.Values.stripe }}
        {{- include "fairlead.secretEnv" (dict "name" "FAIRLEAD_STRIPE_KEY" "secretName" .secretName "key" .keyKey) | nindent 8 }}
        {{- with .feePercent }}
        - name: FAIRLEAD_STRIPE_FEE_PERCENT
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
        {{- if .http }}
        {{- include "fairlead.secretEnv" (dict "name" "FAIRLEAD_STRIPE_SIGNING_SECRET" "secretName" $root.Values.stripe.secretName "key" $root.Values.stripe.signingKey) | nindent 8 }}
        {{- end }}
        {{- end }}
        {{- if .vault }}
        - name: FAIRLEAD_VAULT_KEYS_FILE
          value: /run/fairlead/vault/keys
        {{- end }}
        {{- with $root.Values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if not .restartPolicy }}
      ports:
        {{- if .http }}
        - name: http
          containerPort: 8000
        {{- end }}
        - name: metrics
          containerPort: 9100
      {{- end }}
      {{- if .http }}
      lifecycle:
        # The endpoints drop the pod before it stops accepting connections.
        preStop:
          sleep:
            seconds: 5
      {{- end }}
      {{- if not .restartPolicy }}
      {{- $port := ternary "http" "metrics" (default false .http) }}
      startupProbe:
        httpGet: {path: /healthz, port: {{ $port }}}
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet: {path: /healthz, port: {{ $port }}}
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: {{ $port }}}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- end }}
      resources: {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if .vault }}
        - name: vault
          mountPath: /run/fairlead/vault
          readOnly: true
        {{- end }}
        {{- if .backups }}
        - name: backups
          mountPath: /backups
        - name: recipient
          mountPath: /run/fairlead/recipient
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 256Mi
    {{- if .vault }}
    - name: vault
      secret:
        secretName: {{ $root.Values.vault.secretName }}
        defaultMode: 0440
        items:
          - key: {{ $root.Values.vault.keysKey }}
            path: keys
    {{- end }}
    {{- if .backups }}
    - name: backups
      persistentVolumeClaim:
        claimName: {{ $root.Values.backup.claimName }}
    - name: recipient
      secret:
        secretName: {{ $root.Values.backup.recipientSecretName }}
        defaultMode: 0440
        items:
          - key: {{ $root.Values.backup.recipientKey }}
            path: recipient.pem
    {{- end }}
{{- end -}}
