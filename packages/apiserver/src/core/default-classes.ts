import type { KubeObject } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";
import { qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

interface ClassRule {
  /** Where the classes lie in the store. */
  readonly classes: string;
  /** The annotations that make one the default. */
  readonly marks: readonly string[];
  readonly field: string;
  /** The older annotation with which an object names its class. */
  readonly older: string;
}

const RULES: Readonly<Record<string, ClassRule>> = {
  persistentvolumeclaims: {
    classes: "storageclasses.storage.k8s.io/",
    marks: [
      "storageclass.kubernetes.io/is-default-class",
      "storageclass.beta.kubernetes.io/is-default-class",
    ],
    field: "storageClassName",
    older: "volume.beta.kubernetes.io/storage-class",
  },
  "ingresses.networking.k8s.io": {
    classes: "ingressclasses.networking.k8s.io/",
    marks: ["ingressclass.kubernetes.io/is-default-class"],
    field: "ingressClassName",
    older: "kubernetes.io/ingress.class",
  },
};

/** A new claim or Ingress with the default class, where it names none and there is one: the newest of several. */
export function withDefaultClass({ store }: ApiContext, served: ServedKind, object: KubeObject): KubeObject {
  const rule = RULES[qualified(served)];
  const { spec = {} } = object as KubeObject & { spec?: Record<string, unknown> };
  if (rule === undefined || spec[rule.field] !== undefined) return object;
  if (object.metadata.annotations?.[rule.older] !== undefined) return object;
  const [newest] = store
    .list(rule.classes)
    .map(({ value }) => storedObject(value).metadata)
    .filter(({ annotations }) => rule.marks.some((mark) => annotations?.[mark] === "true"))
    .sort(
      (a, b) =>
        (b.creationTimestamp ?? "").localeCompare(a.creationTimestamp ?? "") || a.name.localeCompare(b.name),
    );
  if (newest === undefined) return object;
  return { ...object, spec: { ...spec, [rule.field]: newest.name } } as KubeObject;
}
