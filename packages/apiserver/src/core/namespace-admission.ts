import { StatusError } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";
import { forbidden, notFound, qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** Namespaces that hold the cluster together and cannot be deleted. */
const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);

const NAMESPACES = { group: "", plural: "namespaces" };

/** Creates in a namespace need it to exist and not to be on its way out. */
export function admitToNamespace(
  { store }: ApiContext,
  served: ServedKind,
  namespace: string,
  name: string,
): void {
  const entry = store.get(`namespaces/${namespace}`);
  if (entry === undefined) throw notFound(NAMESPACES, namespace);
  if (storedObject(entry.value).metadata.deletionTimestamp === undefined) return;
  const refusal = forbidden(
    served,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  throw new StatusError({
    ...refusal.status,
    details: {
      ...refusal.status.details,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    },
  });
}

export function admitNamespaceDeletion(name: string): void {
  if (IMMORTAL.has(name)) throw forbidden(NAMESPACES, name, "this namespace may not be deleted");
}

export const isNamespaces = (served: ServedKind): boolean => qualified(served) === "namespaces";
