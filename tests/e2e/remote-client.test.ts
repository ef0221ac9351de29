import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openPki } from "@tracegate/apiserver";
import { createRemoteClient } from "@tracegate/controller-runtime";
import { ConfigMap } from "@tracegate/kube";

test("what a deletion asks for reaches the server with its length, so that the next request is understood", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tracegate-pki-"));
  const pki = await openPki(folder, ["127.0.0.1"], Date.now());
  const asked: { length: string | undefined; body: string }[] = [];
  const server = createServer({ cert: pki.server.certificate, key: pki.server.key }, async (req, res) => {
    let body = "";
    for await (const chunk of req) body += chunk;
    asked.push({ length: req.headers["content-length"], body });
    res.end(JSON.stringify({ kind: "Status", status: "Success", metadata: {} }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const client = createRemoteClient({ server: `https://127.0.0.1:${port}`, ca: pki.authority });
  t.after(() => {
    client.close();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const ref = { namespace: "n", name: "a" };
  await client.delete(ConfigMap, ref, { propagationPolicy: "Orphan" });
  await client.delete(ConfigMap, ref);
  const body = '{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Orphan"}';
  assert.deepEqual(asked, [
    { length: String(body.length), body },
    { length: undefined, body: "" },
  ]);
});
