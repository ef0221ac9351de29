import assert from "node:assert/strict";
import { test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { shopWorld } from "../../testing/shop-world.ts";
import { runArgoRollouts } from "./program.ts";

async function started(...argv: string[]) {
  const { client } = await shopWorld();
  const stop = new AbortController();
  const said = Promise.withResolvers<string>();
  const code = runArgoRollouts(["dashboard", ...argv], {
    connect: () => ({ client, namespace: "shop", close: () => {} }),
    clock: wallClock,
    io: {
      out: () => {},
      err: (text) => said.resolve(text),
      env: {},
      cwd: "/",
      terminal: undefined,
      colour: false,
      signal: stop.signal,
    },
  });
  return { code, said: await said.promise, stop: () => stop.abort() };
}

test("the dashboard says where it is, and serves until it is stopped", async () => {
  const { code, said, stop } = await started("--port", "0", "--root-path", "/lab/");
  const [, url = ""] =
    /msg="Argo Rollouts Dashboard is now available at (http:\S+\/lab)"\n$/.exec(said) ?? [];
  assert.equal((await fetch(`${url}/api/v1/version`)).status, 200);
  stop();
  assert.equal(await code, 0);
  await assert.rejects(fetch(`${url}/api/v1/version`));
});

test("a port that is taken, and an address that others reach, are refused", async () => {
  const first = await started("-p", "0");
  const [, port = ""] = /:(\d+)\/rollouts/.exec(first.said) ?? [];
  const second = await started("-p", port);
  assert.equal(second.said, `Error: listen tcp 127.0.0.1:${port}: bind: address already in use\n`);
  assert.equal(await second.code, 1);
  first.stop();
  const open = await started("--address", "0.0.0.0");
  assert.match(open.said, /^Error: --address 0\.0\.0\.0 is not supported/);
  assert.equal(await open.code, 1);
  const odd = await started("--root-path", "a b");
  assert.equal(odd.said, "Error: --root-path a b is no path of letters and digits\n");
});
