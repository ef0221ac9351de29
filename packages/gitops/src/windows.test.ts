import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTime, parseSchedule } from "./schedule.ts";
import type { SyncWindow } from "./types/app-project.ts";
import type { Application } from "./types/application.ts";
import { isActive, permitSync, windowsOf } from "./windows.ts";

const at = (text: string) => Date.parse(`2031-02-${text}Z`);

const nexts: readonly (readonly [schedule: string, after: string, next: string])[] = [
  ["* * * * *", "03T10:11:12", "03T10:12:00"],
  ["*/15 * * * *", "03T10:11:12", "03T10:15:00"],
  ["0 22 * * *", "03T10:11:12", "03T22:00:00"],
  ["0 9-17/4 * * mon-fri", "03T14:00:00", "03T17:00:00"],
  ["30 6 * feb SAT", "03T10:11:12", "08T06:30:00"],
  ["0 0 10 * 3", "03T10:11:12", "05T00:00:00"],
];
for (const [schedule, after, next] of nexts) {
  test(`after ${after} ${schedule} comes at ${next}`, () => {
    const parsed = parseSchedule(schedule);
    assert.ok(parsed !== undefined);
    assert.equal(nextTime(parsed, at(after)), at(next));
  });
}

test("what is no schedule is told from one, and one that never comes from one that does", () => {
  for (const text of ["", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "x * * * *"])
    assert.equal(parseSchedule(text), undefined, text);
  const never = parseSchedule("0 0 31 2 *");
  assert.equal(never && nextTime(never, at("03T10:11:12")), undefined);
});

const window = (more: Partial<SyncWindow>): SyncWindow => ({
  kind: "deny",
  schedule: "0 22 * * *",
  duration: "2h",
  ...more,
});

test("a window is open from its schedule's time until its duration ends, by the clocks of its zone", () => {
  assert.equal(isActive(window({}), at("03T23:30:00")), true);
  assert.equal(isActive(window({}), at("04T00:30:00")), false);
  assert.equal(isActive(window({ timeZone: "Asia/Tokyo" }), at("03T13:30:00")), true);
  assert.throws(() => isActive(window({ schedule: "never" }), 0), /cannot parse schedule 'never'/);
  assert.throws(() => isActive(window({ duration: "long" }), 0), /cannot parse duration 'long'/);
});

const open = { schedule: "* * * * *", duration: "1h" };
const closed = { schedule: "0 0 1 1 *", duration: "1m" };
const decisions: readonly (readonly [string, readonly SyncWindow[], automatic: boolean, manual: boolean])[] =
  [
    ["no windows", [], true, true],
    ["an open one that denies", [window(open)], false, false],
    ["an open one that denies all but people", [window({ ...open, manualSync: true })], false, true],
    [
      "two of which one denies people, too",
      [window({ ...open, manualSync: true }), window(open)],
      false,
      false,
    ],
    ["a closed one that denies", [window(closed)], true, true],
    ["an open one that allows", [window({ ...open, kind: "allow" })], true, true],
    ["a closed one that allows", [window({ ...closed, kind: "allow" })], false, false],
    [
      "a closed one that allows, and people at all times",
      [window({ ...closed, kind: "allow", manualSync: true })],
      false,
      true,
    ],
    [
      "one that denies beside one that allows",
      [window(open), window({ ...open, kind: "allow" })],
      false,
      false,
    ],
  ];
for (const [what, windows, automatic, manual] of decisions) {
  test(`${what}: ${automatic ? "syncs" : "no sync"} by itself, ${manual ? "syncs" : "none"} by hand`, () => {
    const now = at("03T10:11:12");
    assert.deepEqual([permitSync(windows, false, now), permitSync(windows, true, now)], [automatic, manual]);
  });
}

test("a window concerns what one of its lists names, or with andOperator what all do", () => {
  const application = {
    metadata: { name: "shop-eu" },
    spec: { destination: { server: "https://kubernetes.default.svc", namespace: "shop" } },
  } as Application; // what is asked of it
  const concerned = (more: Partial<SyncWindow>) =>
    windowsOf({ syncWindows: [window(more)] }, application).length === 1;
  assert.deepEqual(
    [
      concerned({}),
      concerned({ applications: ["shop-*"] }),
      concerned({ applications: ["other"], namespaces: ["shop"] }),
      concerned({ applications: ["other"], namespaces: ["shop"], andOperator: true }),
      concerned({ applications: ["shop-*"], clusters: ["https://*"], andOperator: true }),
    ],
    [false, true, true, false, true],
  );
});
