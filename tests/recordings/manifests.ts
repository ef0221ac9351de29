import type { Kind, KubeObject } from "@tracegate/kube";

const plurals: Readonly<Record<string, string>> = { Ingress: "ingresses" };
const clusterWide: ReadonlySet<string> = new Set(["ClusterAnalysisTemplate", "Namespace"]);

/** Where a manifest of a scenario belongs: its kind by its own words, and itself in the scenario's namespace. */
export function kindOfManifest(
  manifest: Readonly<Record<string, unknown>>,
  namespace: string,
): { readonly kind: Kind; readonly object: KubeObject } {
  const apiVersion = String(manifest["apiVersion"]);
  const name = String(manifest["kind"]);
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const namespaced = !clusterWide.has(name);
  const kind: Kind = { group, version, kind: name, plural: plurals[name] ?? `${name.toLowerCase()}s`, namespaced };
  const given = manifest["metadata"] as { name: string }; // every manifest of a scenario is named
  const metadata = namespaced ? { ...given, namespace } : given;
  return { kind, object: { ...manifest, apiVersion, kind: name, metadata } };
}
