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
  changed(({ rollout }) => {
    const { status, spec } = rollout ?? {};
    if (status?.phase === undefined || spec === undefined) return undefined;
    const steps = spec.strategy?.canary?.steps?.length ?? 0;
    const step = status.currentStepIndex === undefined ? "" : `, step ${status.currentStepIndex}/${steps}`;
    return `rollout hotrod: ${status.phase}${step}${status.message === undefined ? "" : ` - ${status.message}`}`;
  });
  for (const { metadata } of after.replicaSets) {
    changed(({ replicaSets }) => {
      const set = replicaSets.find((candidate) => candidate.metadata.name === metadata.name);
      if (set === undefined) return undefined;
      const { image } = set.spec.template.spec.containers[0] ?? { image: "" };
      return `replicaset ${metadata.name} (${image}): ${set.status?.readyReplicas ?? 0}/${set.spec.replicas ?? 0} ready`;
    });
  }
  for (const { metadata, status } of after.runs) {
    changed(({ runs }) => {
      const phase = runs.find((run) => run.metadata.name === metadata.name)?.status?.phase;
      return phase === undefined ? undefined : `analysis ${metadata.name}: ${phase}`;
    });
    const known = before?.runs.find((run) => run.metadata.name === metadata.name)?.status?.metricResults;
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
