import type { ReplicaSet, Service } from "@tracegate/kube";
import { availableOf, hashOf, isAborted, normal, type Pass, sizeOf } from "./pass.ts";
import { hashLabel, managedByAnnotation } from "./types.ts";

/** Points a Service at a version, and marks it as ours. */
export function switchService(pass: Pass, service: Service, hash: string): void {
  const from = service.spec.selector?.[hashLabel] ?? "";
  const managed = service.metadata.annotations?.[managedByAnnotation] !== undefined;
  if (from === hash && managed) return;
  const annotations = { [managedByAnnotation]: pass.rollout.metadata.name };
  const { name } = service.metadata;
  pass.actions.push({
    do: "patchService",
    name,
    body: { metadata: { annotations }, spec: { selector: { [hashLabel]: hash } } },
  });
  pass.services.set(name, {
    ...service,
    metadata: { ...service.metadata, annotations: { ...service.metadata.annotations, ...annotations } },
    spec: { ...service.spec, selector: { ...service.spec.selector, [hashLabel]: hash } },
  });
  normal(pass, "SwitchService", `Switched selector for service '${name}' from '${from}' to '${hash}'`);
}

/** A Service that the spec names no more leads to all pods again, and belongs to nobody. */
export function releaseServices(pass: Pass): void {
  for (const { metadata } of pass.snapshot.abandonedServices)
    pass.actions.push({
      do: "patchService",
      name: metadata.name,
      body: {
        metadata: { annotations: { [managedByAnnotation]: null } },
        spec: { selector: { [hashLabel]: null } },
      },
    });
}

/** Stable and canary Services follow their ReplicaSets, once these have pods to answer. After an abort both lead to stable. */
export function reconcileCanaryServices(pass: Pass): void {
  const { stableService, canaryService } = pass.rollout.spec.strategy?.canary ?? {};
  point(pass, stableService, pass.stableRS);
  point(pass, canaryService, isAborted(pass) ? pass.stableRS : pass.newRS);
}

function point(pass: Pass, name: string | undefined, rs: ReplicaSet | undefined): void {
  const service = name === undefined ? undefined : pass.services.get(name);
  if (service === undefined || rs === undefined || service.spec.selector?.[hashLabel] === hashOf(rs)) return;
  // A Service of ours may move as soon as one pod answers; one that is taken over waits for all.
  const isOurs = service.metadata.annotations?.[managedByAnnotation] !== undefined;
  const answers = isOurs || (sizeOf(rs) > 0 && availableOf(rs) >= sizeOf(rs));
  if (answers && availableOf(rs) > 0) switchService(pass, service, hashOf(rs));
}
