import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type AnswerRule, answerer } from "../prometheus-answers.ts";

/** A Prometheus (and, elsewhere, a web endpoint) that answers as a scenario says, on a port of its own. */
export async function startFakePrometheus(rules: readonly AnswerRule[] | undefined) {
  const answer = answerer(rules);
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const { status, body } = answer(req.url ?? "/", Buffer.concat(chunks).toString());
      res.writeHead(status, { "content-type": "application/json" }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    address: `http://127.0.0.1:${port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
