import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Labels } from "@tracegate/contracts";
import { HttpTarget, ManualClock, RecordingAppender } from "../testing/index.ts";
import { overHttp } from "./fetch-metrics.ts";
import type { ScrapeJob } from "./job.ts";
import { ScrapePool } from "./scrape-pool.ts";
import { mergeLabels } from "./target-scraper.ts";

const JOB: ScrapeJob = { name: "j", intervalMs: 10_000 };
const FOUND = [{ __address__: "10.0.0.1:80" }];

/** A pool over one target, scraped on a clock that is moved by hand. */
function pool(job: ScrapeJob = JOB) {
  const clock = new ManualClock(1_000_000);
  const store = new RecordingAppender();
  const target = new HttpTarget();
  const scraping = new ScrapePool(job, store, clock, overHttp(target.dial));
  const finished = () => scraping.scrapers[0]?.health.lastScrape ?? 0;
  /** Waits, in turns of the event loop, until a scrape that was begun has ended. */
  const settle = async () => {
    const before = target.requests;
    for (let i = 0; i < 50; i++) await setImmediate();
    if (target.requests > before) for (let i = 0; i < 50; i++) await setImmediate();
  };
  const scrapeOnce = async (body: string, more: Partial<HttpTarget["answer"]> = {}) => {
    target.answer = { body, ...more };
    const last = finished();
    await clock.advanceTo(clock.now() + job.intervalMs, settle);
    assert.ok(finished() > last, "a scrape took place");
    return finished();
  };
  return { clock, store, target, scraping, scrapeOnce, settle };
}

test("a scrape stores the samples with the target's labels, and reports on itself", async () => {
  const { store, scraping, scrapeOnce, target } = pool();
  scraping.setDiscovered(FOUND);
  const time = await scrapeOnce('# TYPE m counter\nm{x="1"} 5\n');
  assert.deepEqual(store.of("m{"), [`${time}:5`]);
  assert.ok(store.written.has('m{instance="10.0.0.1:80", job="j", x="1"}'));
  assert.deepEqual(store.of("up{"), [`${time}:1`]);
  assert.deepEqual(store.of("scrape_samples_scraped{"), [`${time}:1`]);
  assert.deepEqual(store.of("scrape_series_added{"), [`${time}:1`]);
  assert.equal(scraping.scrapers[0]?.metadata.get("m")?.type, "counter");
  assert.equal(target.lastHeaders["x-prometheus-scrape-timeout-seconds"], "10");
  scraping.close();
});

test("the connection is kept from scrape to scrape", async () => {
  const { scraping, scrapeOnce, target } = pool();
  scraping.setDiscovered(FOUND);
  for (let i = 0; i < 3; i++) await scrapeOnce("m 1\n");
  assert.deepEqual([target.requests, target.connections], [3, 1]);
  scraping.close();
});

test("a series that vanishes is marked at the scrape that misses it, and may come back", async () => {
  const { store, scraping, scrapeOnce } = pool();
  scraping.setDiscovered(FOUND);
  const first = await scrapeOnce("a 1\nb 1\nc 1\n");
  const second = await scrapeOnce("c 2\na 2\n");
  const third = await scrapeOnce("a 3\nb 3\nc 3\n");
  assert.deepEqual(store.of("a{"), [`${first}:1`, `${second}:2`, `${third}:3`]);
  assert.deepEqual(store.of("b{"), [`${first}:1`, `${second}:stale`, `${third}:3`]);
  assert.deepEqual(store.of("c{"), [`${first}:1`, `${second}:2`, `${third}:3`]);
  scraping.close();
});

test("a failed scrape ends all series of the target and says why", async () => {
  const { store, scraping, scrapeOnce } = pool();
  scraping.setDiscovered(FOUND);
  const failures: [string, Partial<HttpTarget["answer"]>, RegExp][] = [
    ["", { status: 500 }, /^server returned HTTP status 500 Internal Server Error$/],
    ["a 1\n", { contentType: "application/json" }, /^received unsupported Content-Type "application\/json"/],
    ["a 1\nb one\n", {}, /^line 2: expected a value/],
    ["a 1\n", { contentType: "application/openmetrics-text" }, /^data|^line 1: data does not end with # EOF/],
  ];
  for (const [body, more, expected] of failures) {
    await scrapeOnce("a 1\n");
    const time = await scrapeOnce(body, more);
    assert.match(scraping.scrapers[0]?.health.lastError ?? "", expected);
    assert.equal(store.of("a{").at(-1), `${time}:stale`);
    assert.equal(store.of("up{").at(-1), `${time}:0`);
  }
  scraping.close();
});

test("past the sample limit or the body limit the whole scrape is discarded", async () => {
  const limited = pool({ ...JOB, sampleLimit: 1 });
  limited.scraping.setDiscovered(FOUND);
  await limited.scrapeOnce("a 1\nb 1\n");
  assert.equal(limited.scraping.scrapers[0]?.health.lastError, "sample limit exceeded");
  assert.deepEqual(limited.store.of("a{"), []);
  limited.scraping.close();
  const small = pool({ ...JOB, bodyLimit: 10 });
  small.scraping.setDiscovered(FOUND);
  await small.scrapeOnce("a 1\nb 1\nc 1\n");
  assert.equal(small.scraping.scrapers[0]?.health.lastError, "body size limit exceeded");
  small.scraping.close();
});

test("a sample's own time is taken, and such a series is not marked when it vanishes", async () => {
  const { store, scraping, scrapeOnce } = pool();
  scraping.setDiscovered(FOUND);
  await scrapeOnce("a 1 900000\nfar 1 99999999999\n");
  await scrapeOnce("b 1\n");
  assert.deepEqual(store.of("a{"), ["900000:1"]);
  assert.deepEqual(store.of("far{"), []);
  scraping.close();
  const deaf = pool({ ...JOB, honorTimestamps: false });
  deaf.scraping.setDiscovered(FOUND);
  const time = await deaf.scrapeOnce("a 1 900000\n");
  assert.deepEqual(deaf.store.of("a{"), [`${time}:1`]);
  deaf.scraping.close();
});

test("of a series that a body holds twice the first sample counts", async () => {
  const { store, scraping, scrapeOnce } = pool();
  scraping.setDiscovered(FOUND);
  const time = await scrapeOnce("a 1\na 2\n");
  assert.deepEqual(store.of("a{"), [`${time}:1`]);
  scraping.close();
});

test("rules on samples rename and drop", async () => {
  const job: ScrapeJob = {
    ...JOB,
    metricRelabel: [
      { action: "drop", sourceLabels: ["__name__"], regex: "go_.*" },
      { sourceLabels: ["__name__"], regex: "old_(.*)", targetLabel: "__name__", replacement: "new_$1" },
    ],
  };
  const { store, scraping, scrapeOnce } = pool(job);
  scraping.setDiscovered(FOUND);
  const time = await scrapeOnce("go_threads 1\nold_x 2\n");
  assert.deepEqual(store.of("new_x{"), [`${time}:2`]);
  assert.deepEqual(store.of("go_"), []);
  assert.deepEqual(store.of("scrape_samples_scraped{"), [`${time}:2`]);
  assert.deepEqual(store.of("scrape_samples_post_metric_relabeling{"), [`${time}:1`]);
  scraping.close();
});

test("a removed target's series end at the scrape it missed first", async () => {
  const { store, scraping, scrapeOnce, clock, settle } = pool();
  scraping.setDiscovered(FOUND);
  const time = await scrapeOnce("a 1\n");
  scraping.setDiscovered([]);
  assert.equal(scraping.scrapers.length, 0);
  await clock.advanceTo(clock.now() + 30_000, settle);
  assert.deepEqual(store.of("a{"), [`${time}:1`, `${time + 10_000}:stale`]);
  assert.deepEqual(store.of("up{"), [`${time}:1`, `${time + 10_000}:stale`]);
  scraping.close();
});

test("a target that does not answer in time is down", async () => {
  const clock = new ManualClock(0);
  const store = new RecordingAppender();
  const scraping = new ScrapePool(
    { ...JOB, timeoutMs: 1000 },
    store,
    clock,
    overHttp(() => new Promise(() => {})),
  );
  scraping.setDiscovered(FOUND);
  await clock.advanceTo(20_000, async () => {
    for (let i = 0; i < 10; i++) await setImmediate();
  });
  assert.match(scraping.scrapers[0]?.health.lastError ?? "", /context deadline exceeded$/);
  scraping.close();
});

test("a target that is slower than a short interval is scraped less often, not down", async () => {
  const clock = new ManualClock(0);
  const store = new RecordingAppender();
  const slow = {
    async fetch() {
      await clock.after(1200);
      return { body: Buffer.from("a 1\n"), format: "text" as const };
    },
    close() {},
  };
  const scraping = new ScrapePool({ ...JOB, intervalMs: 500 }, store, clock, () => slow);
  scraping.setDiscovered(FOUND);
  await clock.advanceTo(10_000, async () => {
    for (let i = 0; i < 10; i++) await setImmediate();
  });
  assert.equal(scraping.scrapers[0]?.health.health, "up");
  const times = store.of("a{").map((sample) => Number(sample.split(":")[0]));
  assert.ok(times.length >= 6, `${times}`);
  assert.ok(times.every((time, index) => index === 0 || time - (times[index - 1] ?? 0) >= 1200));
  scraping.close();
});

test("where sample and target have one label, the sample's is put aside or honoured", () => {
  const sample = Labels.from({ __name__: "m", job: "own", exported_job: "taken" });
  const target = Labels.from({ job: "target", pod: "p" });
  assert.deepEqual(mergeLabels(sample, target, false).toRecord(), {
    __name__: "m",
    exported_exported_job: "own",
    exported_job: "taken",
    job: "target",
    pod: "p",
  });
  assert.deepEqual(mergeLabels(sample, target, true).toRecord(), {
    __name__: "m",
    exported_job: "taken",
    job: "own",
    pod: "p",
  });
});
