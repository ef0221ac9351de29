import { canonicalQuantity, copyJson, QuantityError } from "@tracegate/kube";
import { isObject, type JsonObject, type Manifest, valueAt } from "../manifest.ts";

export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Metadata that the API server keeps and no manifest decides. */
const serverMetadata = [
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** A copy fit to be compared: no status, no server metadata, quantities and Secrets in one spelling. */
export function normalized(manifest: Manifest): Manifest {
  const { status: _status, ...rest } = manifest;
  const metadata: JsonObject = { ...manifest.metadata };
  for (const field of serverMetadata) delete metadata[field];
  if (isObject(metadata["annotations"])) {
    const { [lastAppliedAnnotation]: _lastApplied, ...annotations } = metadata["annotations"];
    metadata["annotations"] = annotations;
    if (Object.keys(annotations).length === 0) delete metadata["annotations"];
  }
  if (isObject(metadata["labels"]) && Object.keys(metadata["labels"]).length === 0) delete metadata["labels"];
  // The spread keeps name and namespace; ObjectMeta's other fields are those removed above.
  const copy = copyJson({ ...rest, metadata: metadata as unknown as Manifest["metadata"] }) as Manifest;
  if (copy.kind === "Secret" && copy.apiVersion === "v1") mergeStringData(copy);
  if (isRole(copy) && Array.isArray(copy["rules"]) && copy["rules"].length === 0) copy["rules"] = null;
  normalizeQuantities(copy);
  return copy;
}

/** No rules are written as an empty list or as none. */
const isRole = ({ apiVersion, kind }: Manifest): boolean =>
  apiVersion.startsWith("rbac.authorization.k8s.io/") && (kind === "Role" || kind === "ClusterRole");

/** A Secret whose `stringData` is in its `data`. */
export function withMergedStringData(secret: Manifest): Manifest {
  const copy = copyJson(secret);
  mergeStringData(copy);
  return copy;
}

/** `stringData` is a write-only spelling of `data`. */
function mergeStringData(secret: Manifest): void {
  const plain = secret["stringData"];
  if (!isObject(plain)) return;
  const encoded = Object.entries(plain).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString("base64"),
  ]);
  const data = isObject(secret["data"]) ? secret["data"] : {};
  secret["data"] = { ...data, ...Object.fromEntries(encoded) };
  delete secret["stringData"];
}

/** `1000m` and `1` are the same: the API server writes its own spelling, so both sides get one here. */
function normalizeQuantities(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) normalizeQuantities(item);
  if (!isObject(value)) return;
  for (const [key, child] of Object.entries(value)) {
    if (key === "resources" && isObject(child)) {
      for (const list of ["limits", "requests"]) {
        const quantities = valueAt(child, list);
        if (!isObject(quantities)) continue;
        for (const [name, quantity] of Object.entries(quantities)) quantities[name] = spelling(quantity);
      }
    }
    normalizeQuantities(child);
  }
}

/** The spelling that equal quantities share; what is no quantity is left as it is. */
function spelling(quantity: unknown): unknown {
  try {
    return canonicalQuantity(String(quantity));
  } catch (error) {
    if (error instanceof QuantityError) return quantity;
    throw error;
  }
}
