import type { Metric } from "@tracegate/analysis";
import type { Limits } from "@tracegate/judge";

/** What would have taken a release back by this metric, one sentence each; the counterpart of Argo's limits in words. */
export function revertedBy(metric: Metric, limits: Limits): string[] {
  const sentences: string[] = [];
  const { failureLimit, inconclusiveLimit, consecutiveErrorLimit } = limits;
  const { successCondition, failureCondition } = metric;
  if (failureLimit >= 0 && (successCondition !== undefined || failureCondition !== undefined)) {
    const bad =
      failureCondition !== undefined ? `meet \`${failureCondition}\`` : `do not meet \`${successCondition}\``;
    sentences.push(`${times(failureLimit + 1)} that ${bad} (failureLimit ${failureLimit})`);
  }
  if (successCondition !== undefined && failureCondition !== undefined) {
    sentences.push(
      `${times(inconclusiveLimit + 1)} that meet neither condition hold it (inconclusiveLimit ${inconclusiveLimit})`,
    );
  }
  sentences.push(
    `${times(consecutiveErrorLimit + 1)} in a row that fail to get an answer (consecutiveErrorLimit ${consecutiveErrorLimit})`,
  );
  return sentences;
}

const times = (count: number) => (count === 1 ? "a measurement" : `${count} measurements`);
