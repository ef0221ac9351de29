import { type JsonObject, numberAt, objectAt } from "../json.ts";
import { type FieldError, invalid } from "./field-error.ts";
import { negativeErrors } from "./numbers.ts";

/** How a kind counts its pods. */
interface Counts {
  /** None is negative. */
  readonly counts: readonly string[];
  /** Not more than `replicas`. */
  readonly parts: readonly string[];
  /** How the complaint names `readyReplicas`, which the available ones cannot exceed. */
  readonly ready?: string;
  /** Whether `collisionCount` can only rise. */
  readonly rising?: boolean;
}

type StatusCheck = (object: JsonObject, before: JsonObject) => FieldError[];

const statusCheck =
  ({ counts, parts, ready, rising = false }: Counts): StatusCheck =>
  (object, before) => {
    const status = objectAt(object, "status") ?? {};
    const count = (field: string): number => numberAt(status, field) ?? 0;
    const errors = negativeErrors(status, counts, "status");
    for (const field of parts) {
      if (count(field) > count("replicas")) {
        errors.push(invalid(`status.${field}`, count(field), "cannot be greater than status.replicas"));
      }
    }
    if (ready !== undefined && count("availableReplicas") > count("readyReplicas")) {
      const detail = `cannot be greater than ${ready}`;
      errors.push(invalid("status.availableReplicas", count("availableReplicas"), detail));
    }
    const collisions = "collisionCount";
    if (rising && count(collisions) < (numberAt(objectAt(before, "status"), collisions) ?? 0)) {
      errors.push(invalid(`status.${collisions}`, count(collisions), "cannot be decremented"));
    }
    return errors;
  };

export const deploymentStatusErrors = statusCheck({
  counts: [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
  ],
  parts: ["updatedReplicas", "readyReplicas", "availableReplicas"],
  ready: "readyReplicas",
  rising: true,
});

export const replicaSetStatusErrors = statusCheck({
  counts: [
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
    "terminatingReplicas",
  ],
  parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
  ready: "readyReplicas",
});

export const statefulSetStatusErrors = statusCheck({
  counts: [
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
  ],
  parts: ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
  ready: "status.readyReplicas",
  rising: true,
});

export const daemonSetStatusErrors = statusCheck({
  counts: [
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
  ],
  parts: [],
  rising: true,
});
