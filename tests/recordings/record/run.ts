// npm run record -- --peers DIR [--out DIR] [--from FILE.json|DIR] [NAME…]
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath, pathToFileURL } from "node:url";
import { startControllers, wallScheduler } from "@tracegate/controller-runtime";
import { CustomResourceDefinition, Namespace } from "@tracegate/kube";
import { simulatedPods } from "@tracegate/workloads/testing";
import { parse } from "yaml";
import { type ControlPlane, startControlPlane, until } from "./control-plane.ts";
import { recordRollout } from "./record-rollout.ts";
import type { ScenarioInput } from "./scenario.ts";
import { Rollout } from "@tracegate/rollouts";

const usage = `usage: npm run record -- --peers DIR [--out DIR] [--from PATH] [--jobs N] [--port PORT] [NAME…]

  --peers DIR  the real programs, made by bench/peers/build DIR etcd kube rollouts-controller kubectl-argo-rollouts
  --from PATH  scenarios to record: a module that exports a list of them, or a folder of recordings (default: rollouts.ts here)
  --out DIR    where the recordings go (default: ./recorded)
  --jobs N     how many scenarios run at once (default: 4); more of them take longer for each step
  --port PORT  where the real API listens; the four ports after it are used, too (default: 16443)
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      peers: { type: "string" },
      from: { type: "string" },
      out: { type: "string", default: "recorded" },
      jobs: { type: "string", default: "4" },
      port: { type: "string", default: "16443" },
    },
  });
  if (values.peers === undefined) throw new Error("--peers is missing");
  const base = process.env["INIT_CWD"] ?? ".";
  const peers = resolve(base, values.peers);
  const out = resolve(base, values.out);
  const from = values.from === undefined ? fileURLToPath(new URL("rollouts.ts", import.meta.url)) : resolve(base, values.from);
  const scenarios = (await scenariosIn(from)).filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (scenarios.length === 0) throw new Error(`no scenario of these names in ${from}`);
  mkdirSync(out, { recursive: true });

  const folder = mkdtempSync(join(tmpdir(), "record-"));
  const plane = await startControlPlane(peers, folder, Number(values.port));
  const pods = startControllers({
    client: plane.client,
    scheduler: wallScheduler(),
    controllers: [simulatedPods({ client: plane.client, clock: wallScheduler(), nodeName: "n1" })],
    concurrency: 50,
  });
  try {
    await startRolloutsController(plane, peers, Number(values.port));
    const waiting = [...scenarios];
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        try {
          writeFileSync(join(out, `${next.name}.json`), await recordRollout(plane, peers, next));
          process.stdout.write(`${next.name}: recorded\n`);
        } catch (error) {
          process.stdout.write(`${next.name}: failed: ${error instanceof Error ? error.message : error}\n`);
          process.exitCode = 1;
        }
      }
    };
    await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  } finally {
    await pods.stop();
    plane.client.close();
    await plane.stop();
    if (process.exitCode === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function startRolloutsController(plane: ControlPlane, peers: string, port: number): Promise<void> {
  const crds = join(peers, "argo-rollouts-crds");
  for (const file of readdirSync(crds).filter((name) => name.endsWith("-crd.yaml"))) {
    const crd = parse(readFileSync(join(crds, file), "utf8")) as CustomResourceDefinition; // the program's own manifest
    await plane.client.create(CustomResourceDefinition, crd);
  }
  const served = () => plane.client.list(Rollout).then(() => true, () => false);
  await until(served, "the API does not serve Rollouts");
  await plane.client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "argo-rollouts" } });
  // Scenarios run side by side: none may wait because another asked much.
  plane.run("rollouts-controller", [
    ...["--kubeconfig", plane.kubeconfig, "--namespace", "argo-rollouts", "--leader-elect=false"],
    ...["--qps", "1000", "--burst", "2000", "--metricsPort", String(port + 3), "--healthzPort", String(port + 4)],
  ]);
  await new Promise((done) => setTimeout(done, 5000)); // its informers have no sign of being ready
}

async function scenariosIn(path: string): Promise<readonly ScenarioInput[]> {
  if (!statSync(path).isDirectory()) {
    const module = (await import(pathToFileURL(path).href)) as { scenarios: readonly ScenarioInput[] }; // what --from asks for
    return module.scenarios;
  }
  return readdirSync(path)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(path, file), "utf8")) as ScenarioInput); // recordings hold more
}

try {
  await main();
} catch (error) {
  process.stderr.write(`record: ${error instanceof Error ? error.message : error}\n${usage}`);
  process.exitCode = 2;
}
