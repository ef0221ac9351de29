/** `core/v1.Pod` → `io.k8s.api.core.v1.Pod`: how OpenAPI documents name a Go type. */
export function openApiName(type: string): string {
  const dotted = type.replaceAll("/", ".");
  const origin = ORIGINS.find(([prefix]) => dotted.startsWith(prefix));
  return `${origin?.[1] ?? "io.k8s.api."}${dotted}`;
}

const ORIGINS: readonly [prefix: string, origin: string][] = [
  ["meta.", "io.k8s.apimachinery.pkg.apis."],
  ["apiextensions.", "io.k8s.apiextensions-apiserver.pkg.apis."],
  ["apiregistration.", "io.k8s.kube-aggregator.pkg.apis."],
  ["resource.", "io.k8s.apimachinery.pkg.api."],
  ["intstr.", "io.k8s.apimachinery.pkg.util."],
  ["runtime.", "io.k8s.apimachinery.pkg."],
];
