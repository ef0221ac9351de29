import type { Appender, AppendResult, Labels, SeriesRef } from "@tracegate/contracts";

/** Writes down what is appended: per series, `time:value` with `stale` for the marker. */
export class RecordingAppender implements Appender {
  readonly written = new Map<string, string[]>();
  readonly #labels: Labels[] = [];

  resolve(labels: Labels): SeriesRef {
    const known = this.#labels.findIndex(({ key }) => key === labels.key);
    return known < 0 ? this.#labels.push(labels) : known + 1;
  }

  append(ref: SeriesRef, time: number, value: number): AppendResult {
    return this.#write(ref, `${time}:${value}`);
  }

  appendStale(ref: SeriesRef, time: number): AppendResult {
    return this.#write(ref, `${time}:stale`);
  }

  commit(): void {}

  /** What was written of the series whose text begins so. */
  of(series: string): string[] {
    return [...this.written].find(([text]) => text.startsWith(series))?.[1] ?? [];
  }

  #write(ref: SeriesRef, sample: string): AppendResult {
    const text = this.#labels[ref - 1]?.toString();
    if (text === undefined) return "unknown series";
    this.written.set(text, [...(this.written.get(text) ?? []), sample]);
    return "appended";
  }
}
