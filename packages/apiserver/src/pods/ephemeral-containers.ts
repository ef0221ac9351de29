import { StatusError } from "@tracegate/kube";
import type { RequestInfo } from "../http/request-info.ts";

/**
 * Refuses containers for debugging, as a cluster does where they are disabled: the node would never start them, and
 * `kubectl debug` would wait for ever. It tells this refusal from a missing pod by the absence of a name.
 */
export function refuseEphemeralContainers({ verb, resource }: RequestInfo): void {
  if (resource?.plural !== "pods" || resource.group !== "" || resource.subresource !== "ephemeralcontainers")
    return;
  if (verb !== "update" && verb !== "patch") return;
  const message =
    "the node runs no ephemeral containers: look into the pod's own with kubectl exec, or into a copy of it with " +
    "kubectl debug --copy-to";
  throw new StatusError({ message, reason: "NotFound", details: {}, code: 404 });
}
