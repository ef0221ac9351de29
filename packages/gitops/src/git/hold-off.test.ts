import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldOff } from "./hold-off.ts";

function setUp() {
  let now = 0;
  let asked = 0;
  const clock = { now: () => now, after: async () => {} };
  const holdOff = new HoldOff(clock);
  return {
    pass: (ms: number) => {
      now += ms;
    },
    /** A question that takes so long and fails, or answers. */
    ask: (ms: number, answer?: string, anew = false) =>
      holdOff.ask(
        "key",
        async () => {
          asked++;
          now += ms;
          if (answer === undefined) throw new Error(`failed after ${ms}`);
          return answer;
        },
        anew,
      ),
    asked: () => asked,
  };
}

test("what took long to fail is not asked again for three times as long, unless somebody insists", async () => {
  const { ask, asked, pass } = setUp();
  await assert.rejects(ask(60), /failed after 60/);
  pass(179);
  await assert.rejects(ask(0), /failed after 60/);
  assert.equal(asked(), 1);
  await assert.rejects(ask(10, undefined, true), /failed after 10/);
  assert.equal(asked(), 2);
  pass(30);
  assert.equal(await ask(0, "yes"), "yes");
  assert.equal(await ask(0, "still"), "still");
  assert.equal(asked(), 4, "answers are somebody else's to keep");
});

test("what fails at once is asked again at once", async () => {
  const { ask, asked } = setUp();
  for (let i = 1; i <= 3; i++) {
    await assert.rejects(ask(0), /failed/);
    assert.equal(asked(), i);
  }
});
