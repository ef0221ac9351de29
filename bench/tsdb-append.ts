import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels } from "@tracegate/contracts";
import { parseExposition } from "@tracegate/scrape";
import { Tsdb } from "@tracegate/tsdb";

const SERIES = 10_000;
const SCRAPES = 200;
const idle = { now: () => SCRAPES * 15_000, after: () => new Promise<void>(() => {}) };

/** Samples a second into the store by reference, with the log on disk; then the bytes they took, and the way back. */
export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "bench-tsdb-"));
  const tsdb = new Tsdb({ dir, clock: idle });
  const refs = Array.from({ length: SERIES }, (_, i) =>
    tsdb.resolve(
      Labels.from({ __name__: `metric_${i % 50}_total`, pod: `pod-${i % 200}`, series: String(i) }),
    ),
  );
  const begun = performance.now();
  for (let scrape = 1; scrape <= SCRAPES; scrape++) {
    for (let i = 0; i < SERIES; i++) tsdb.append(refs[i] ?? 0, scrape * 15_000, scrape * (i % 17));
    tsdb.commit();
  }
  const seconds = (performance.now() - begun) / 1000;
  const total = SERIES * SCRAPES;
  const { walBytes } = tsdb.stats();
  tsdb.close();
  console.log(
    `append: ${million(total / seconds)} M samples/s, ${(walBytes / total).toFixed(2)} bytes a sample in the log`,
  );
  const reopened = performance.now();
  const again = new Tsdb({ dir, clock: idle });
  console.log(`replay: ${million(total / ((performance.now() - reopened) / 1000))} M samples/s`);
  again.close();
  rmSync(dir, { recursive: true, force: true });

  const lines = Array.from(
    { length: SERIES },
    (_, i) => `metric_total{pod="pod-${i % 200}",series="${i}"} ${i * 3.5}`,
  );
  const body = Buffer.from(`${lines.join("\n")}\n`);
  let samples = 0;
  const parsing = performance.now();
  for (let i = 0; i < 100; i++)
    parseExposition(body, "text", { sample: () => samples++, metadata: () => {} });
  const parsed = (performance.now() - parsing) / 1000;
  console.log(
    `exposition: ${million(samples / parsed)} M samples/s, ${((body.length * 100) / parsed / 1e6).toFixed(0)} MB/s`,
  );
}

const million = (rate: number) => (rate / 1e6).toFixed(2);

if (import.meta.main) await run();
