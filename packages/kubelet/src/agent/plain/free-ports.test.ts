import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { listening } from "../relay.ts";
import { freePorts } from "./free-ports.ts";

const address = "127.0.0.1";

test("two that begin at the same place are never given the same port", async () => {
  const [one, other] = [freePorts(address, 3), freePorts(address, 3)];
  const given = await Promise.all(Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? one : other).take()));
  assert.equal(new Set(given).size, 600);
  assert.ok(given.every((port) => port > 20_000 && port < 30_000));
});

test("a port that another program holds is not given", async (t) => {
  const ports = freePorts(address, 7);
  const first = await ports.take();
  const server = createServer();
  await listening(server, address, first + 1);
  t.after(() => server.close());
  assert.notEqual(await ports.take(), first + 1);
});

test("what was given back is given again, after all others", async () => {
  const ports = freePorts(address, 11);
  const first = await ports.take();
  ports.giveBack(first);
  const given: number[] = [];
  while (given.at(-1) !== first) given.push(await ports.take());
  assert.ok(given.length > 50);
});
