import type { AnalysisRun } from "@tracegate/analysis";
import type { Painter } from "../painter.ts";

/** Each gate of a run with what it has measured so far, a line each; none before the run has begun. */
export function gateLines(run: AnalysisRun | undefined, paint: Painter): string[] {
  if (run === undefined) return [];
  const { metrics } = run.spec;
  const width = Math.max(...metrics.map(({ name }) => name.length));
  const conditions = Math.max(...metrics.map(({ successCondition = "" }) => successCondition.length));
  return metrics.map(({ name, successCondition = "", count = 1 }) => {
    const result = run.status?.metricResults?.find((candidate) => candidate.name === name);
    const measured = (result?.measurements ?? [])
      .filter(({ finishedAt }) => finishedAt !== undefined)
      .map(({ phase, value }) => {
        const text = rounded(value ?? phase);
        return phase === "Successful"
          ? paint.good(text)
          : phase === "Failed"
            ? paint.bad(text)
            : paint.warn(text);
      });
    // A run that is over measures no more.
    const open = isOver(run) ? 0 : Math.max(0, Number(count) - (result?.count ?? 0));
    const shown = [...measured, ...new Array<string>(open).fill(paint.dim("·"))].join("  ");
    return `${name.padEnd(width)}  ${paint.dim(successCondition.padEnd(conditions))}  ${shown}`.trimEnd();
  });
}

const isOver = ({ status }: AnalysisRun): boolean =>
  ["Successful", "Failed", "Error", "Inconclusive"].includes(status?.phase ?? "");

/** Measured values have fifteen digits; three say enough on a screen, and the evidence keeps all. No series is nothing. */
export const rounded = (value: string): string =>
  value
    .replace(/^\[\]$/, "nothing")
    .replace(/^\[|\]$/g, "")
    .replace(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, (number) => String(Number(Number(number).toPrecision(3))));
