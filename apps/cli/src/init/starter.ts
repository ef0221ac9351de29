import { stringify } from "yaml";

/** What a starter is made for. */
export interface Starter {
  /** A DNS label: of the Rollout, its Service, its namespace and the Application. */
  readonly name: string;
  /** Without a tag. */
  readonly image: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** What the traffic generator asks for. */
  readonly path: string;
  readonly repository: {
    readonly url: string;
    /** The starter's directory inside; "." for the root. */
    readonly directory: string;
  };
}

export interface StarterFile {
  readonly path: string;
  readonly text: string;
}

/** The files that release a program by gates on its spans: what runs it, what judges it, what measures it. */
export function starterFiles(starter: Starter): StarterFile[] {
  return [
    { path: "tracegate.yaml", text: configurationText(starter, ["application.yaml"]) },
    { path: "application.yaml", text: application(starter) },
    { path: "release/rollout.yaml", text: rollout(starter) },
    { path: "release/service.yaml", text: service(starter) },
    { path: "release/gates.yaml", text: gates(starter) },
    { path: "release/collector.yaml", text: collector(starter) },
    { path: "release/traffic.yaml", text: traffic(starter) },
  ];
}

/** `tracegate.yaml`. */
export const configurationText = (
  { image, command, env }: Starter,
  applications: readonly string[],
): string => `# Which program of this machine stands for which image. Paths start from this file; the tag is in $TRACEGATE_TAG.
images:
  ${JSON.stringify(`${image}:*`)}:
    command: ${words(command)}
${variables(env)}    workingDir: . # its pods see this directory at /app, read-only, and nothing else of your files
applications: [${applications.join(", ")}]
# A laptop need not wait as long as a cluster does.
scrapeInterval: 2s
gitPollInterval: 1s
# Pods reach the cluster and nothing else, unless you say so:
# hostAccess: [5432] # ports of this machine, as host.tracegate.internal:5432
# egress: ["api.example.com:443"] # hosts outside
`;

const variables = (env: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(env).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return pairs.length === 0 ? "" : `    env: { ${pairs.join(", ")} }\n`;
};

const application = ({
  name,
  repository: { url, directory },
}: Starter) => `# What is committed to release/ is what runs.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ${name}
  namespace: argocd
spec:
  project: default
  source:
    repoURL: ${quoted(url)}
    targetRevision: HEAD
    path: ${quoted(directory === "." ? "release" : `${directory}/release`)}
  destination:
    server: https://kubernetes.default.svc
    namespace: ${name}
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
`;

const rollout = ({
  name,
  image,
  port,
}: Starter) => `# To release a version, change the image's tag and commit.
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: ${name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: ${name}
          image: ${image}:1
          ports:
            - containerPort: ${port}
          env:
            - name: PORT
              value: "${port}"
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            # Which ReplicaSet the spans come from: the gates ask for the canary's only.
            - name: POD_HASH
              valueFrom:
                fieldRef:
                  fieldPath: metadata.labels['rollouts-pod-template-hash']
            # OpenTelemetry SDKs read these three.
            - name: OTEL_SERVICE_NAME
              value: ${name}
            - name: OTEL_EXPORTER_OTLP_ENDPOINT
              value: http://collector.${name}.svc.cluster.local:4318
            - name: OTEL_RESOURCE_ATTRIBUTES
              value: k8s.namespace.name=$(POD_NAMESPACE),release.hash=$(POD_HASH)
          readinessProbe:
            tcpSocket:
              port: ${port}
            periodSeconds: 1
  strategy:
    canary:
      steps:
        - setWeight: 50
        - analysis:
            templates:
              - templateName: ${name}-gates
            args:
              - name: namespace
                valueFrom:
                  fieldRef:
                    fieldPath: metadata.namespace
              - name: canary-hash
                valueFrom:
                  podTemplateHashValue: Latest
        - setWeight: 100
`;

const service = ({ name, port }: Starter) => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector:
    app: ${name}
  ports:
    - name: http
      port: ${port}
      targetPort: ${port}
`;

/** The last 20 seconds of a span metric of the canary's requests. */
function ofCanary(metric: string, indent: string, ...more: string[]): string {
  const labels = [
    'k8s_namespace_name="{{args.namespace}}"',
    'release_hash="{{args.canary-hash}}"',
    'span_kind="SPAN_KIND_SERVER"',
    ...more,
  ];
  return `${metric}{\n${labels.map((label) => `${indent}  ${label}`).join(",\n")}\n${indent}}[20s]`;
}

const calls = "traces_span_metrics_calls_total";
const trafficQuery = `# Requests per second
sum(rate(${ofCanary(calls, "")}))`;
const errorQuery = `# The share of requests that fail; without an error there is no series of errors
(sum(rate(${ofCanary(calls, "", 'status_code="STATUS_CODE_ERROR"')})) or vector(0))
/
sum(rate(${ofCanary(calls, "")}))`;
const latencyQuery = `# The 95th percentile of durations, in milliseconds
histogram_quantile(0.95,
  sum by (le) (rate(${ofCanary("traces_span_metrics_duration_milliseconds_bucket", "  ")}))
)`;

const gates = ({ name }: Starter) => {
  const gate = (metric: string, delay: string, condition: string, query: string) => `    - name: ${metric}
      initialDelay: ${delay}
      interval: 3s
      count: 3
      successCondition: ${condition}
      failureLimit: 1
      consecutiveErrorLimit: 2
      provider:
        prometheus:
          address: http://prometheus-server.prometheus.svc.cluster.local
          query: |
${query.replace(/^/gm, " ".repeat(12))}
`;
  return `# Three gates on the spans of the canary's pods: does it get traffic, does it fail, is it slow?
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: ${name}-gates
spec:
  args:
    - name: namespace
    - name: canary-hash
  metrics:
    # Without this gate an idle canary would be promoted: nothing fails where nothing is asked. It asks first, so that a
    # canary that gets no requests, or exports no spans of them, is held by its name.
${gate("traffic", "12s", "len(result) > 0 && result[0] >= 0.05", trafficQuery)}${gate(
  "error-rate",
  "14s",
  "len(result) > 0 && result[0] < 0.05",
  errorQuery,
)}${gate("latency-p95", "14s", "len(result) > 0 && result[0] < 1000", latencyQuery)}`;
};

const collector = ({ name }: Starter) => `# Spans in; out come metrics for the gates, and traces to look at.
apiVersion: v1
kind: ConfigMap
metadata:
  name: collector-config
data:
  config.yaml: |
    receivers:
      otlp:
        protocols:
          http:
            endpoint: 0.0.0.0:4318
          grpc:
            endpoint: 0.0.0.0:4317
    connectors:
      spanmetrics:
        metrics_flush_interval: 2s
        dimensions:
          - name: k8s.namespace.name
          - name: release.hash
    exporters:
      otlp:
        endpoint: jaeger-collector.jaeger.svc.cluster.local:4317
        tls:
          insecure: true
      prometheus:
        endpoint: 0.0.0.0:8889
    service:
      pipelines:
        traces:
          receivers: [otlp]
          exporters: [otlp, spanmetrics]
        metrics:
          receivers: [spanmetrics]
          exporters: [prometheus]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: collector
spec:
  selector:
    matchLabels:
      app: collector
  template:
    metadata:
      labels:
        app: collector
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "8889"
    spec:
      containers:
        - name: collector
          image: otel/opentelemetry-collector-contrib:0.142.0
          args: ["--config=/conf/config.yaml"]
          readinessProbe:
            tcpSocket:
              port: 4318
            periodSeconds: 1
          volumeMounts:
            - name: config
              mountPath: /conf
      volumes:
        - name: config
          configMap:
            name: collector-config
---
# For ${name}, by the address in rollout.yaml.
apiVersion: v1
kind: Service
metadata:
  name: collector
spec:
  selector:
    app: collector
  ports:
    - name: otlp-grpc
      port: 4317
    - name: otlp-http
      port: 4318
`;

const traffic = ({
  name,
  port,
  path,
}: Starter) => `# Stands in for users. A release that nobody uses cannot be judged.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: traffic
spec:
  selector:
    matchLabels:
      app: traffic
  template:
    metadata:
      labels:
        app: traffic
    spec:
      containers:
        - name: traffic
          image: curlimages/curl:8.11.1
          command: ["/bin/sh", "-c"]
          args:
            - |
              while true; do
                curl -s -o /dev/null --max-time 10 -w "%{http_code} %{time_total}s\\n" "$URL"
                sleep 0.2
              done
          env:
            - name: URL
              value: ${quoted(`http://${name}:${port}${path}`)}
`;

/** As it is where YAML reads it as this text, else in quotes. */
const quoted = (text: string): string => stringify(text, { lineWidth: 0 }).trimEnd();
const words = (list: readonly string[]): string => `[${list.map((word) => JSON.stringify(word)).join(", ")}]`;
