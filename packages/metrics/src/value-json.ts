import type { Labels } from "@tracegate/contracts";
import { formatFloat, type Value } from "@tracegate/promql";

/** Seconds with three decimals when there is a fraction, as a JSON number. */
export function secondsJson(ms: number): string {
  const whole = Math.trunc(ms / 1000);
  const rest = Math.abs(ms % 1000);
  const sign = ms < 0 && whole === 0 ? "-" : "";
  return rest === 0 ? String(whole) : `${sign}${whole}.${String(rest).padStart(3, "0")}`;
}

export function labelsJson(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labels.entries())
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${parts.join(",")}}`;
}

const sampleJson = (ms: number, value: number) => `[${secondsJson(ms)},"${formatFloat(value)}"]`;

/** `{"resultType":…,"result":…}`; text is built directly, for matrices are large. */
export function valueJson(value: Value): string {
  switch (value.type) {
    case "scalar":
      return `{"resultType":"scalar","result":${sampleJson(value.time, value.value)}}`;
    case "string":
      return `{"resultType":"string","result":[${secondsJson(value.time)},${JSON.stringify(value.text)}]}`;
    case "vector": {
      const { time, samples } = value;
      const parts = samples.map(
        (s) => `{"metric":${labelsJson(s.labels)},"value":${sampleJson(time, s.value)}}`,
      );
      return `{"resultType":"vector","result":[${parts.join(",")}]}`;
    }
    case "matrix": {
      const parts = value.series.map(({ labels, times, values }) => {
        const points: string[] = [];
        for (let i = 0; i < times.length; i++) points.push(sampleJson(times[i] ?? 0, values[i] ?? 0));
        return `{"metric":${labelsJson(labels)},"values":[${points.join(",")}]}`;
      });
      return `{"resultType":"matrix","result":[${parts.join(",")}]}`;
    }
  }
}
