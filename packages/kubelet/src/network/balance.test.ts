import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backendOrder } from "./balance.ts";

const backend = (port: number, active: number) => ({ ip: "10.244.0.2", port, active });

test("the backend with the fewest open connections is tried first", () => {
  const order = backendOrder([backend(1, 3), backend(2, 0), backend(3, 1)], 0);
  assert.deepEqual(
    order.map(({ port }) => port),
    [2, 3, 1],
  );
});

test("equal ones take turns", () => {
  const idle = [backend(1, 0), backend(2, 0), backend(3, 0)];
  const firsts = [0, 1, 2, 3].map((turn) => backendOrder(idle, turn)[0]?.port);
  assert.deepEqual(firsts, [1, 2, 3, 1]);
});

test("every backend is tried once, never one after one with more connections", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 8 }), fc.nat(100), (actives, turn) => {
      const order = backendOrder(
        actives.map((active, i) => backend(i, active)),
        turn,
      );
      assert.deepEqual(new Set(order.map(({ port }) => port)), new Set(actives.keys()));
      assert.deepEqual(
        order.map(({ active }) => active),
        actives.toSorted((a, b) => a - b),
      );
    }),
  );
});
