import type { KubeObject, ObjectMeta } from "@tracegate/kube";
import type { Snapshot } from "./snapshot.ts";

/** What changed between two looks, a line each: the demo where there is no terminal to draw on. */
export function progressLines(before: Snapshot | undefined, after: Snapshot): string[] {
  const lines: string[] = [];
  const changed = (line: (snapshot: Snapshot) => string | undefined) => {
    const text = line(after);
    if (text !== undefined && (before === undefined || line(before) !== text)) lines.push(text);
  };
  for (const { metadata } of after.applications) {
    changed(({ applications }) => {
      const status = applications.find((application) => application.metadata.name === metadata.name)?.status;
      if (status?.sync === undefined) return undefined;
      return `application ${metadata.name}: ${status.sync.status}, ${status.health?.status ?? "Unknown"}`;
    });
  }
  // Names alone are not enough where one release goes to several namespaces.
  const several = new Set(after.rollouts.map(({ metadata }) => metadata.namespace)).size > 1;
  const nameOf = ({ namespace, name }: ObjectMeta) => (several ? `${namespace}/${name}` : name);
  for (const { metadata } of after.rollouts) {
    changed(({ rollouts }) => {
      const { status, spec } = rollouts.find(same(metadata)) ?? {};
      if (status?.phase === undefined || spec === undefined) return undefined;
      const steps = spec.strategy?.canary?.steps?.length ?? 0;
      const step = status.currentStepIndex === undefined ? "" : `, step ${status.currentStepIndex}/${steps}`;
      const message = status.message === undefined ? "" : ` - ${status.message}`;
      return `rollout ${nameOf(metadata)}: ${status.phase}${step}${message}`;
    });
  }
  for (const { metadata } of after.replicaSets) {
    changed(({ replicaSets }) => {
      const set = replicaSets.find(same(metadata));
      if (set === undefined) return undefined;
      const { image } = set.spec.template.spec.containers[0] ?? { image: "" };
      return `replicaset ${nameOf(metadata)} (${image}): ${set.status?.readyReplicas ?? 0}/${set.spec.replicas ?? 0} ready`;
    });
  }
  for (const { metadata, status } of after.runs) {
    changed(({ runs }) => {
      const phase = runs.find(same(metadata))?.status?.phase;
      return phase === undefined || phase === "" ? undefined : `analysis ${nameOf(metadata)}: ${phase}`;
    });
    const known = before?.runs.find(same(metadata))?.status?.metricResults;
    for (const { name, measurements = [] } of status?.metricResults ?? []) {
      const seen = known
        ?.find((result) => result.name === name)
        ?.measurements?.filter(({ finishedAt }) => finishedAt).length;
      const finished = measurements.filter(({ finishedAt }) => finishedAt !== undefined);
      for (const [index, { value, phase, message }] of finished.entries()) {
        if (index < (seen ?? 0)) continue;
        lines.push(
          `measurement ${name} ${index + 1}: ${value ?? ""} ${phase}${message ? ` (${message})` : ""}`.replace(
            "  ",
            " ",
          ),
        );
      }
    }
  }
  return lines;
}

const same =
  (wanted: ObjectMeta) =>
  ({ metadata }: KubeObject): boolean =>
    metadata.namespace === wanted.namespace && metadata.name === wanted.name;
