import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Clock, isStale, Labels, type Matcher, setStale } from "@tracegate/contracts";
import fc from "fast-check";
import { Tsdb, type TsdbOptions } from "./tsdb.ts";

/** A clock that stands until it is set; its timers never ring. */
function standingClock(start: number): Clock & { time: number } {
  return {
    time: start,
    now() {
      return this.time;
    },
    after: (_, signal) =>
      new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
      ),
  };
}

function inFolder(run: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "tsdb-"));
  try {
    run(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const open = (options: Partial<TsdbOptions> = {}) =>
  new Tsdb({ clock: standingClock(1_000_000), ...options });
const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
const named = (name: string): Matcher[] => [{ name: "__name__", op: "=", value: name }];

/** Everything a store holds, as plain text per series; a marker reads `stale`. */
function contents(
  tsdb: Tsdb,
  matchers: Matcher[] = [{ name: "__name__", op: "!=", value: "" }],
): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { labels, times, values, start, end } of tsdb.select(matchers, ALL)) {
    const samples: string[] = [];
    for (let i = start; i < end; i++) samples.push(`${times[i]}:${isStale(values, i) ? "stale" : values[i]}`);
    found[labels.toString()] = samples;
  }
  return found;
}

test("samples come back in order, through flat arrays and packed chunks alike", () => {
  const value = fc.oneof(
    fc.integer({ min: -5, max: 1000 }),
    fc.double(),
    fc.constantFrom(Number.NaN, -0, 1e300, "stale" as const),
  );
  const step = fc.oneof(fc.constant(15_000), fc.integer({ min: 1, max: 100_000 }));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, value), { minLength: 1, maxLength: 400 }),
      fc.nat(),
      fc.nat(),
      (steps, a, b) => {
        const tsdb = open({ clock: standingClock(0) });
        const ref = tsdb.resolve(Labels.from({ __name__: "m" }));
        let time = 0;
        const expected: [number, string][] = [];
        for (const [gap, value] of steps) {
          time += gap;
          if (value === "stale") tsdb.appendStale(ref, time);
          else tsdb.append(ref, time, value);
          expected.push([time, value === "stale" ? "stale" : `${value}`]);
        }
        const [from = 0, to = 0] = [a % time, b % time].sort((x, y) => x - y);
        const inside = expected.filter(([at]) => at >= from && at <= to).map(([at, text]) => `${at}:${text}`);
        const got = [...tsdb.select(named("m"), { from, to })].flatMap(({ times, values, start, end }) =>
          Array.from(
            { length: end - start },
            (_, i) => `${times[start + i]}:${isStale(values, start + i) ? "stale" : values[start + i]}`,
          ),
        );
        assert.deepEqual(got, inside);
        tsdb.close();
      },
    ),
  );
});

test("a sample is refused when it is older than the newest, or says something else at its time", () => {
  const tsdb = open();
  const ref = tsdb.resolve(Labels.from({ __name__: "m" }));
  assert.equal(tsdb.append(ref, 1000, 1), "appended");
  assert.equal(tsdb.append(ref, 1000, 1), "repeated");
  assert.equal(tsdb.append(ref, 1000, 2), "duplicate");
  assert.equal(tsdb.append(ref, 999, 2), "out of order");
  assert.equal(tsdb.appendStale(ref, 2000), "appended");
  assert.equal(tsdb.appendStale(ref, 2000), "repeated");
  assert.equal(tsdb.append(ref, 2000, Number.NaN), "duplicate");
  assert.equal(tsdb.append(77, 3000, 1), "unknown series");
  const { outOfOrder, duplicates, samplesAppended } = tsdb.stats();
  assert.deepEqual(
    { outOfOrder, duplicates, samplesAppended },
    { outOfOrder: 1, duplicates: 2, samplesAppended: 2 },
  );
});

test("series past the limit are refused and counted", () => {
  const tsdb = open({ maxSeries: 1 });
  const first = tsdb.resolve(Labels.from({ __name__: "a" }));
  assert.ok(first > 0);
  assert.equal(tsdb.resolve(Labels.from({ __name__: "b" })), 0);
  assert.equal(tsdb.resolve(Labels.from({ __name__: "a" })), first);
  assert.equal(tsdb.stats().seriesRefused, 1);
});

test("matchers select what a look at every series would", () => {
  const value = fc.constantFrom("", "a", "ab", "b", "a\nb");
  const series = fc.array(fc.record({ x: value, y: value }), { minLength: 1, maxLength: 12 });
  const matcher = fc.record({
    name: fc.constantFrom("x", "y", "z"),
    op: fc.constantFrom("=" as const, "!=" as const, "=~" as const, "!~" as const),
    value: fc.constantFrom("", "a", "a|b", "a.*", ".+", ".*", "a.+", "[ab]+", "|a"),
  });
  fc.assert(
    fc.property(series, fc.array(matcher, { minLength: 1, maxLength: 3 }), (all, matchers) => {
      const tsdb = open();
      const sets = all.map((labels) => Labels.from({ __name__: "m", ...labels }));
      for (const labels of sets) tsdb.append(tsdb.resolve(labels), 1000, 1);
      const fits = (labels: Labels) =>
        matchers.every(({ name, op, value }) => {
          const actual = labels.get(name);
          const equal = op.endsWith("~") ? new RegExp(`^(?:${value})$`, "s").test(actual) : actual === value;
          return equal === !op.startsWith("!");
        });
      const expected = new Set(sets.filter(fits).map(({ key }) => key));
      assert.deepEqual(new Set([...tsdb.select(matchers, ALL)].map(({ labels }) => labels.key)), expected);
      tsdb.close();
    }),
  );
});

test("a store opened again holds what was committed", () =>
  inFolder((dir) => {
    const first = open({ dir });
    const a = first.resolve(Labels.from({ __name__: "a", pod: "é" }));
    const b = first.resolve(Labels.from({ __name__: "b" }));
    for (let i = 1; i <= 300; i++) {
      first.append(a, i * 1000, i * 3);
      first.append(b, i * 1000, i / 7);
      first.commit();
    }
    first.appendStale(a, 301_000);
    first.commit();
    const before = contents(first);
    first.close();
    const second = open({ dir });
    assert.deepEqual(contents(second), before);
    assert.equal(second.stats().walDamaged, 0);
    // And goes on from there.
    assert.equal(second.append(second.resolve(Labels.from({ __name__: "b" })), 302_000, 1), "appended");
    second.close();
    const third = open({ dir });
    assert.equal(contents(third)["b"]?.length, 301);
    third.close();
  }));

test("a log cut off at any byte gives back every batch before the cut, whole, and nothing else", () =>
  inFolder((dir) => {
    const tsdb = open({ dir });
    const refs = ["a", "b"].map((name) => tsdb.resolve(Labels.from({ __name__: name })));
    const states: { bytes: number; contents: Record<string, string[]> }[] = [{ bytes: 0, contents: {} }];
    for (let batch = 1; batch <= 6; batch++) {
      for (const ref of refs) tsdb.append(ref, batch * 1000, batch * 1.5);
      tsdb.commit();
      states.push({ bytes: tsdb.stats().walBytes, contents: contents(tsdb) });
    }
    tsdb.close();
    const [file = ""] = readdirSync(dir);
    const whole = readFileSync(join(dir, file));
    for (let length = 0; length <= whole.length; length++) {
      for (const name of readdirSync(dir)) rmSync(join(dir, name));
      writeFileSync(join(dir, file), whole.subarray(0, length));
      const again = open({ dir });
      const expected = states.findLast(({ bytes }) => bytes <= length)?.contents;
      assert.deepEqual(contents(again), expected, `cut at ${length}`);
      again.close();
    }
  }));

test("a flipped byte loses that batch and what follows in its segment, and is counted", () =>
  inFolder((dir) => {
    const tsdb = open({ dir });
    const ref = tsdb.resolve(Labels.from({ __name__: "m" }));
    tsdb.append(ref, 1000, 1);
    tsdb.commit();
    const sound = tsdb.stats().walBytes;
    tsdb.append(ref, 2000, 2);
    tsdb.commit();
    tsdb.close();
    const [file = ""] = readdirSync(dir);
    const bytes = readFileSync(join(dir, file));
    bytes[sound + 10] = (bytes[sound + 10] ?? 0) ^ 0xff;
    writeFileSync(join(dir, file), bytes);
    const again = open({ dir });
    assert.deepEqual(contents(again), { m: ["1000:1"] });
    assert.equal(again.stats().walDamaged, 1);
    again.close();
  }));

test("each segment stands alone, so the oldest can go", () =>
  inFolder((dir) => {
    const clock = standingClock(0);
    const tsdb = new Tsdb({ dir, clock, retentionMs: 100_000, segmentBytes: 200 });
    const steady = tsdb.resolve(Labels.from({ __name__: "steady" }));
    const brief = tsdb.resolve(Labels.from({ __name__: "brief" }));
    tsdb.append(brief, 1, 1);
    for (let i = 1; i <= 400; i++) {
      clock.time = i * 1000;
      tsdb.append(steady, clock.time, i);
      tsdb.commit();
    }
    const segments = tsdb.stats().walSegments;
    tsdb.enforceRetention();
    assert.ok(tsdb.stats().walSegments < segments);
    assert.equal(tsdb.append(brief, 400_001, 1), "unknown series");
    assert.equal(tsdb.append(steady, 1, 1), "too old");
    assert.deepEqual(tsdb.labelValues("__name__"), ["steady"]);
    const kept = contents(tsdb)["steady"] ?? [];
    assert.equal(kept.at(-1), "400000:400");
    assert.ok(kept.length >= 100 && kept.length < 400, `${kept.length} samples`);
    tsdb.close();
    const again = new Tsdb({ dir, clock, retentionMs: 100_000 });
    assert.deepEqual((contents(again)["steady"] ?? []).slice(-100), kept.slice(-100));
    again.close();
  }));

test("past the size limit the oldest part goes, however young", () =>
  inFolder((dir) => {
    const clock = standingClock(0);
    const tsdb = new Tsdb({ dir, clock, retentionBytes: 2000, segmentBytes: 300 });
    const ref = tsdb.resolve(Labels.from({ __name__: "m" }));
    for (let i = 1; i <= 1000; i++) {
      tsdb.append(ref, i, Math.sqrt(i));
      tsdb.commit();
    }
    tsdb.enforceRetention();
    assert.ok(tsdb.stats().walBytes <= 2000);
    assert.equal((contents(tsdb)["m"] ?? []).at(-1), `1000:${Math.sqrt(1000)}`);
    tsdb.close();
  }));

test("a write that fails is told and counted, stays in memory, and does not spoil what follows", () =>
  inFolder((dir) => {
    const log = join(dir, "log");
    const tsdb = open({ dir: log, segmentBytes: 1 });
    const ref = tsdb.resolve(Labels.from({ __name__: "m" }));
    const write = (time: number) => {
      tsdb.append(ref, time, time);
      tsdb.commit();
    };
    write(1);
    rmSync(log, { recursive: true });
    assert.throws(() => write(2), { code: "ENOENT" });
    assert.throws(() => write(3), { code: "ENOENT" });
    mkdirSync(log);
    write(4);
    write(5);
    assert.equal(tsdb.stats().walWriteErrors, 2);
    assert.equal(contents(tsdb)["m"]?.length, 5);
    tsdb.close();
    const again = open({ dir: log });
    assert.deepEqual(contents(again), { m: ["4:4", "5:5"] });
    again.close();
  }));

test("kill -9 loses nothing that was committed", async () => {
  const dir = mkdtempSync(join(tmpdir(), "tsdb-"));
  const writer = fileURLToPath(new URL("../testing/endless-writer.ts", import.meta.url));
  const child = spawn(process.execPath, [writer, dir], { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  for await (const part of child.stdout) {
    told += String(part);
    if (told.split("\n").length > 200) break;
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  const acknowledged = Number(told.slice(0, told.lastIndexOf("\n")).split("\n").at(-1));
  const tsdb = open({ dir, clock: standingClock(0) });
  const times = (contents(tsdb)["written"] ?? []).map((sample) => Number(sample.split(":")[0]));
  assert.ok(times.length >= acknowledged, `${times.length} of ${acknowledged}`);
  assert.deepEqual(
    times,
    Array.from({ length: times.length }, (_, i) => i + 1),
  );
  tsdb.close();
  rmSync(dir, { recursive: true, force: true });
});

test("markers keep their bits through packing and the log", () =>
  inFolder((dir) => {
    const tsdb = open({ dir });
    const ref = tsdb.resolve(Labels.from({ __name__: "m" }));
    for (let i = 1; i <= 200; i++) {
      if (i % 3 === 0) tsdb.appendStale(ref, i);
      else tsdb.append(ref, i, i % 5 === 0 ? Number.NaN : i);
    }
    tsdb.commit();
    const before = contents(tsdb);
    assert.equal(before["m"]?.[2], "3:stale");
    tsdb.close();
    const again = open({ dir });
    assert.deepEqual(contents(again), before);
    again.close();
    const values = new Float64Array(1);
    setStale(values, 0);
    assert.ok(isStale(values, 0));
    values[0] = Number.NaN;
    assert.ok(!isStale(values, 0));
  }));
