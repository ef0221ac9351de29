import { listAt, type Manifest, numberAt, stringAt, valueAt } from "../manifest.ts";
import type { Health } from "../types/application.ts";

const waiting = (message: string): Health => ({ status: "Progressing", message });
const healthy: Health = { status: "Healthy" };

/** Whether the controller has not yet seen the newest spec. */
const unobserved = ({ metadata, ...live }: Manifest): boolean =>
  (metadata.generation ?? 0) > (numberAt(live, "status", "observedGeneration") ?? 0);

const condition = (live: Manifest, type: string): unknown =>
  listAt(live, "status", "conditions").find((entry) => stringAt(entry, "type") === type);

export function deploymentHealth(live: Manifest): Health {
  if (valueAt(live, "spec", "paused") === true)
    return { status: "Suspended", message: "Deployment is paused" };
  if (unobserved(live)) {
    return waiting(
      "Waiting for rollout to finish: observed deployment generation less than desired generation",
    );
  }
  if (stringAt(condition(live, "Progressing"), "reason") === "ProgressDeadlineExceeded") {
    return {
      status: "Degraded",
      message: `Deployment "${live.metadata.name}" exceeded its progress deadline`,
    };
  }
  const desired = numberAt(live, "spec", "replicas");
  const replicas = numberAt(live, "status", "replicas") ?? 0;
  const updated = numberAt(live, "status", "updatedReplicas") ?? 0;
  const available = numberAt(live, "status", "availableReplicas") ?? 0;
  if (desired !== undefined && updated < desired) {
    return waiting(
      `Waiting for rollout to finish: ${updated} out of ${desired} new replicas have been updated...`,
    );
  }
  if (replicas > updated) {
    return waiting(
      `Waiting for rollout to finish: ${replicas - updated} old replicas are pending termination...`,
    );
  }
  if (available < updated) {
    return waiting(
      `Waiting for rollout to finish: ${available} of ${updated} updated replicas are available...`,
    );
  }
  return healthy;
}

export function replicaSetHealth(live: Manifest): Health {
  if (unobserved(live)) {
    return waiting(
      "Waiting for rollout to finish: observed replica set generation less than desired generation",
    );
  }
  const failure = condition(live, "ReplicaFailure");
  if (stringAt(failure, "status") === "True") {
    return { status: "Degraded", message: stringAt(failure, "message") ?? "" };
  }
  const desired = numberAt(live, "spec", "replicas");
  const available = numberAt(live, "status", "availableReplicas") ?? 0;
  if (desired !== undefined && available < desired) {
    return waiting(
      `Waiting for rollout to finish: ${available} out of ${desired} new replicas are available...`,
    );
  }
  return healthy;
}

export function statefulSetHealth(live: Manifest): Health {
  if ((numberAt(live, "status", "observedGeneration") ?? 0) === 0 || unobserved(live)) {
    return waiting("Waiting for statefulset spec update to be observed...");
  }
  const desired = numberAt(live, "spec", "replicas");
  const ready = numberAt(live, "status", "readyReplicas") ?? 0;
  const updated = numberAt(live, "status", "updatedReplicas") ?? 0;
  if (desired !== undefined && ready < desired)
    return waiting(`Waiting for ${desired - ready} pods to be ready...`);
  const strategy = stringAt(live, "spec", "updateStrategy", "type");
  const rolling = valueAt(live, "spec", "updateStrategy", "rollingUpdate");
  if (strategy === "RollingUpdate" && rolling !== undefined) {
    const expected = (desired ?? 0) - (numberAt(rolling, "partition") ?? 0);
    if (desired !== undefined && updated < expected) {
      return waiting(
        `Waiting for partitioned roll out to finish: ${updated} out of ${expected} new pods have been updated...`,
      );
    }
    return {
      status: "Healthy",
      message: `partitioned roll out complete: ${updated} new pods have been updated...`,
    };
  }
  if (strategy === "OnDelete") return { status: "Healthy", message: `statefulset has ${ready} ready pods` };
  const updateRevision = stringAt(live, "status", "updateRevision");
  const currentRevision = stringAt(live, "status", "currentRevision");
  if (updateRevision !== currentRevision) {
    return waiting(
      `waiting for statefulset rolling update to complete ${updated} pods at revision ${updateRevision}...`,
    );
  }
  const current = numberAt(live, "status", "currentReplicas") ?? 0;
  return {
    status: "Healthy",
    message: `statefulset rolling update complete ${current} pods at revision ${currentRevision}...`,
  };
}

export function daemonSetHealth(live: Manifest): Health {
  if (unobserved(live)) {
    return waiting(
      "Waiting for rollout to finish: observed daemon set generation less than desired generation",
    );
  }
  const desired = numberAt(live, "status", "desiredNumberScheduled") ?? 0;
  const updated = numberAt(live, "status", "updatedNumberScheduled") ?? 0;
  const available = numberAt(live, "status", "numberAvailable") ?? 0;
  if (stringAt(live, "spec", "updateStrategy", "type") === "OnDelete") {
    return {
      status: "Healthy",
      message: `daemon set ${updated} out of ${desired} new pods have been updated`,
    };
  }
  const { name } = live.metadata;
  if (updated < desired) {
    return waiting(
      `Waiting for daemon set "${name}" rollout to finish: ${updated} out of ${desired} new pods have been updated...`,
    );
  }
  if (available < desired) {
    return waiting(
      `Waiting for daemon set "${name}" rollout to finish: ${available} of ${desired} updated pods are available...`,
    );
  }
  return healthy;
}
