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
  const copy = structuredClone(manifest);
  delete copy["status"];
  const metadata: JsonObject = { ...copy.metadata };
  for (const field of serverMetadata) delete metadata[field];
  if (isObject(metadata["annotations"])) {
    const { [lastAppliedAnnotation]: _lastApplied, ...annotations } = metadata["annotations"];
    metadata["annotations"] = annotations;
    if (Object.keys(annotations).length === 0) delete metadata["annotations"];
  }
  if (isObject(metadata["labels"]) && Object.keys(metadata["labels"]).length === 0) delete metadata["labels"];
  // The spread keeps name and namespace; ObjectMeta's other fields are those removed above.
  copy.metadata = metadata as unknown as Manifest["metadata"];
  if (copy.kind === "Secret" && copy.apiVersion === "v1") mergeStringData(copy);
  normalizeQuantities(copy);
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
        for (const [name, quantity] of Object.entries(quantities))
          quantities[name] = canonicalQuantity(quantity);
      }
    }
    normalizeQuantities(child);
  }
}

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A spelling that equal quantities share; text that is no quantity is left as it is. */
export function canonicalQuantity(quantity: unknown): unknown {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$/.exec(
    String(quantity),
  );
  const factor = factors[match?.[2] ?? ""];
  if (match === null || factor === undefined) return quantity;
  // Twelve digits hide the rounding of decimal fractions and keep every quantity in use apart.
  return String(Number((Number(match[1]) * factor).toPrecision(12)));
}
