import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Service } from "@tracegate/kube";
import { NodePorts } from "./node-ports.ts";

const service = (nodePort: number): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop" },
  spec: { type: "NodePort", clusterIP: "10.96.1.2", ports: [{ port: 80, nodePort }] },
});

test("a node port that another program holds is told once, tried again, and served when it is free", async (t) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const address = holder.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const told: string[] = [];
  const dialled: string[] = [];
  const nodePorts = new NodePorts({
    events: { event: (_about, _type, reason, message) => told.push(`${reason}: ${message}`) },
    sandbox: {
      dial: async (ip, to) => {
        dialled.push(`${ip}:${to}`);
        return new PassThrough();
      },
    },
  });
  t.after(() => nodePorts.close());

  assert.deepEqual(await nodePorts.update([service(port)]), { unserved: 1 });
  assert.deepEqual(await nodePorts.update([service(port)]), { unserved: 1 });
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? "",
    new RegExp(`^NodePortNotServed: node port ${port} is not served on 127.0.0.1: .*EADDRINUSE`),
  );

  holder.close();
  await once(holder, "close");
  assert.deepEqual(await nodePorts.update([service(port)]), { unserved: 0 });
  const client = connect(port, "127.0.0.1");
  client.write("echo");
  const [bytes] = await once(client, "data");
  assert.equal(String(bytes), "echo");
  assert.deepEqual(dialled, ["10.96.1.2:80"]);
  client.destroy();
});
