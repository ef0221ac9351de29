import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { accessFrom, type ConnectionFlags, connectionFlags } from "./connection.ts";

const none = Object.fromEntries(connectionFlags.map((name) => [name, ""])) as ConnectionFlags["texts"]; // all names

const config = `
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u, namespace: shop } }]
clusters: [{ name: c, cluster: { server: https://one } }, { name: d, cluster: { server: https://two } }]
users: [{ name: u, user: { token: first } }, { name: v, user: { token: second } }]
`;

test("flags stand in place of what the kubeconfig says", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const kubeconfig = join(directory, "config");
  writeFileSync(kubeconfig, config);
  const access = (
    flags: Partial<ConnectionFlags["texts"]>,
    { insecure = false, groups = [] as readonly string[] } = {},
  ) => accessFrom({ texts: { ...none, "request-timeout": "0", kubeconfig, ...flags }, insecure, groups }, {});
  assert.deepEqual(access({}), { namespace: "shop", access: { server: "https://one", token: "first" } });
  assert.deepEqual(access({ cluster: "d", user: "v" }).access, { server: "https://two", token: "second" });
  assert.deepEqual(
    access(
      { server: "https://three", token: "t", "tls-server-name": "n", "request-timeout": "2" },
      { insecure: true },
    ).access,
    { server: "https://three", token: "t", insecure: true, serverName: "n", timeoutMs: 2000 },
  );
  assert.deepEqual(access({ as: "ann" }, { groups: ["a,b", "c"] }).access.impersonate, {
    user: "ann",
    groups: ["a,b", "c"],
    uid: "",
  });
  for (const [flags, message] of [
    [{ "as-uid": "7" }, /without impersonating a user/],
    [{ user: "x" }, /auth info "x" does not exist/],
    [{ cluster: "x" }, /cluster "x" does not exist/],
    [{ "client-key": "/nowhere" }, /--client-key: unable to read/],
    [{ "request-timeout": "x" }, /Invalid timeout value/],
  ] as const)
    assert.throws(() => access(flags), message);
});
