import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { missingTools } from "../support/tools.ts";
import { type Run, root, start, temporaryState, tracegate } from "../support/tracegate.ts";

// The real kubectl-argo-rollouts (bench/peers/build makes it) against our API, and our plugin beside it. Each command that
// changes something is given to two equal Rollouts, one by each plugin; what is to be read is read by both.

const peers = process.env["PEERS"] ?? "";
const original = join(peers, "kubectl-argo-rollouts");

function reasonToSkip(): string | false {
  if (peers !== "" && existsSync(original)) return missingTools("kubectl");
  const text =
    "needs PEERS=DIR with kubectl-argo-rollouts in it: bench/peers/build DIR kubectl-argo-rollouts";
  console.error(`SKIPPED: ${text}`);
  return text;
}

/** How a command ended, and what it printed. */
type Program = (args: readonly string[], input?: string) => { code: number | null; out: string; err: string };

const programOf =
  (path: string, state: string): Program =>
  (args, input = "") => {
    const env = { ...process.env, KUBECONFIG: join(state, "kubeconfig") };
    const { status, stdout, stderr } = spawnSync(path, args, { encoding: "utf8", input, env });
    return { code: status, out: stdout, err: stderr };
  };

const names = { real: "web-a", ours: "web-b" } as const;

const manifest = {
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AnalysisTemplate",
      metadata: { name: "one", namespace: "shop" },
      spec: {
        metrics: [
          {
            name: "is-one",
            interval: "1s",
            count: 2,
            successCondition: "result[0] == 1",
            provider: {
              prometheus: {
                address: "http://prometheus-server.prometheus.svc.cluster.local",
                query: "vector(1)",
              },
            },
          },
        ],
      },
    },
    ...Object.values(names).map((name) => ({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name, namespace: "shop" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [{ name: "web", image: "stefanprodan/podinfo:6.8.0" }],
          },
        },
        strategy: {
          canary: {
            steps: [{ setWeight: 50 }, { pause: {} }, { analysis: { templates: [{ templateName: "one" }] } }],
          },
        },
      },
    })),
  ],
};

/** What differs from one look to the next, or from one Rollout to its twin. */
const levelled = (text: string): string =>
  text
    .replace(/web-[ab]/g, "WEB")
    .replace(/WEB-[a-z0-9]{6,10}-[a-z0-9]{5}\b/g, "POD")
    .replace(/WEB-[a-z0-9]{6,10}\b/g, "SET")
    .replace(/ \d+[smhd](\d+[smhd])? /g, " AGE ")
    .replace(/^\d{4}-\d\d-\d\dT\S+Z/gm, "TIME")
    .replace(/ +/g, " ");

/** Without what Go adds to a provider, and the weight that the original's lists do not know. */
const comparable = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer, (key, value) =>
      key === "authentication" || key === "actualWeight" ? undefined : value,
    ),
  );

/** The original takes no 0 for a free one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("the real kubectl-argo-rollouts, and ours beside it", { skip: reasonToSkip() }, () => {
  const temporary = temporaryState();
  const state = join(temporary.path, "s");
  const kubectl = programOf("kubectl", state);
  const real = programOf(original, state);
  const ours = programOf(join(root, "apps/cli/bin/kubectl-argo-rollouts.js"), state);
  let platform: Run;

  before(async () => {
    platform = tracegate("up", "--ports", "free", "--state", state);
    await platform.seen(/export KUBECONFIG/);
    const applied = kubectl(["apply", "-f", "-"], JSON.stringify(manifest));
    assert.equal(applied.code, 0, applied.err);
    until("Healthy");
  });
  after(async () => {
    platform.process.kill("SIGINT");
    await platform.ended;
    temporary.remove();
  });

  const ask = (plugin: Program, line: string, name: string) => {
    const { code, out, err } = plugin(line.replaceAll("NAME", name).split(" "));
    return { code, out: levelled(out), err: levelled(err) };
  };

  /** Both plugins do the same, each to its own Rollout. */
  function both(line: string, code = 0): void {
    const answer = ask(real, line, names.real);
    assert.equal(answer.code, code, answer.err);
    assert.deepEqual(ask(ours, line, names.ours), answer, line);
  }

  /** Both plugins look at the same. Only what stood still meanwhile can be compared. */
  function look(...lines: readonly string[]): void {
    for (const line of lines)
      for (const name of line.includes("NAME") ? Object.values(names) : [""])
        for (let attempt = 1; ; attempt++) {
          const [first, answer] = [ask(ours, line, name), ask(real, line, name)];
          if (isDeepStrictEqual(first, answer)) break;
          const last = ask(ours, line, name);
          if (attempt === 20 || isDeepStrictEqual(first, last)) assert.deepEqual(first, answer, line);
        }
  }

  function until(phase: string): void {
    for (const name of Object.values(names)) {
      const wanted = [`rollout/${name}`, `--for=jsonpath={.status.phase}=${phase}`];
      const { code, err } = kubectl(["wait", "-n", "shop", ...wanted, "--timeout=120s"]);
      assert.equal(code, 0, err);
    }
  }

  const views = [
    "get rollout NAME -n shop --no-color",
    "status NAME -n shop --watch=false",
    "list rollouts -n shop --timestamps",
  ];

  test("a release is set off, promoted by its pause, and analysed", () => {
    look(...views, "list ro -A", "list rollouts --name web-a -n shop");
    both("set image NAME web=stefanprodan/podinfo:6.9.3 -n shop");
    until("Paused");
    look(...views, "status NAME -n shop --timeout 1s");
    both("promote NAME -n shop");
    until("Healthy");
    look(...views, "status NAME -n shop");
  });

  test("a release is aborted, tried again, and promoted fully", () => {
    both("set image NAME *=stefanprodan/podinfo:6.8.0 -n shop");
    until("Paused");
    both("abort NAME -n shop");
    until("Degraded");
    look(...views, "status NAME -n shop");
    both("retry rollout NAME -n shop");
    until("Paused");
    both("promote NAME --full -n shop");
    until("Healthy");
    look(...views);
  });

  test("both dashboards answer alike, and do the same", async (t) => {
    const serving = async (program: string, port: number) => {
      const args = ["dashboard", "--port", String(port), "-n", "shop"];
      const run = start(program, args, { KUBECONFIG: join(state, "kubeconfig") });
      t.after(() => void run.process.kill("SIGTERM"));
      const [, url = ""] = await run.seen(/now available at (http:\S+)"/);
      // The original says that it is there before it is.
      while ((await fetch(`${url}/api/v1/namespace`)).status === 503) await setTimeout(100);
      return `${url}/api/v1`;
    };
    const theirs = await serving(original, await freePort());
    const own = await serving(join(root, "apps/cli/bin/kubectl-argo-rollouts.js"), 0);
    const page = await (await fetch(own.replace(/api\/v1$/, ""))).text();
    const token = /<meta name="token" content="([^"]+)"/.exec(page)?.[1] ?? "";
    const ask = async (method: string, url: string, body?: string) => {
      const headers = { "x-tracegate-token": token };
      const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
      return { status: response.status, answer: comparable(await response.json()) };
    };
    for (const path of [
      ...["namespace", "rollouts/shop/info", "rollouts/nowhere/info", "rollouts/shop/nope/info", "nope"],
      ...Object.values(names).map((name) => `rollouts/shop/${name}/info`),
    ])
      assert.deepEqual(await ask("GET", `${own}/${path}`), await ask("GET", `${theirs}/${path}`), path);
    for (const [path, body] of [
      ["rollouts/shop/nope/abort", "{}"],
      ["rollouts/shop/web-a/promote", "{bad"],
      ["rollouts/shop/web-a/undo/99", "{}"],
    ] as const) {
      const [mine, other] = [
        await ask("PUT", `${own}/${path}`, body),
        await ask("PUT", `${theirs}/${path}`, body),
      ];
      assert.deepEqual(
        [mine.status, Object.keys(Object(mine.answer))],
        [other.status, Object.keys(Object(other.answer))],
        path,
      );
    }
    // The original's PUT of an image is carried out and never answered.
    both("set image NAME web=stefanprodan/podinfo:6.9.3 -n shop");
    until("Paused");
    for (const [verb, phase] of [
      ["abort", "Degraded"],
      ["retry", "Paused"],
      ["promote", "Healthy"],
    ] as const) {
      await ask("PUT", `${theirs}/rollouts/shop/${names.real}/${verb}`, "{}");
      assert.equal((await ask("PUT", `${own}/rollouts/shop/${names.ours}/${verb}`, "{}")).status, 200, verb);
      until(phase);
    }
    look(...views);
  });

  test("an earlier version comes back, step by step", () => {
    both("undo NAME -n shop");
    until("Paused");
    look(...views);
    both("promote NAME -n shop");
    until("Healthy");
    both("promote NAME -c -n shop");
    both("undo NAME -n shop --to-revision=99", 1);
  });

  test("pods are replaced, and a Rollout is held", () => {
    both("restart NAME -n shop --in 1s");
    both("pause NAME -n shop");
    until("Paused");
    look("status NAME -n shop --watch=false");
    both("promote NAME -n shop");
    until("Healthy");
  });

  test("mistakes are told alike", () => {
    look(
      ...["get rollout nope", "get rollout NAME -n nowhere", "get ro NAME --nope", "get experiment nope"],
      ...[
        "status nope",
        "status NAME --timeout x",
        "promote nope",
        "promote NAME -c -a -n shop",
        "abort nope a",
      ],
      ...["retry rollout nope", "retry experiment nope", "restart nope", "undo nope", "pause nope"],
      ...["set image nope a=b", "set image NAME nope=b -n shop", "terminate ar nope", "list experiments -A"],
      ...[
        "gett",
        "nope",
        "list rollouts -n nowhere",
        "lint -f /nowhere",
        "completion",
        "undo a --to-revision x",
      ],
    );
  });

  test("a line that lacks something is answered by usage, and help names the same flags", () => {
    const shape = (text: string) => {
      const lines = text.split("\n");
      const usage = lines.slice(lines.indexOf("Usage:"), lines.indexOf("Examples:"));
      const flags = lines.flatMap((line) => /^ {2,6}(-\w, )?--[\w-]+( \w+)?/.exec(line)?.[0].trim() ?? []);
      return { usage, flags };
    };
    for (const words of [
      ...["get", "get rollout", "list", "status", "promote", "abort", "retry", "retry rollout", "restart"],
      ...[
        "undo",
        "set",
        "set image",
        "set image NAME",
        "pause",
        "terminate",
        "terminate analysisrun",
        "lint",
      ],
    ]) {
      const argv = words.split(" ");
      const [theirs, own] = [real(argv), ours(argv)];
      assert.deepEqual([own.code, own.out, shape(own.err)], [1, "", shape(theirs.err)], words);
    }
    for (const words of ["list rollouts", "list experiments", "dashboard", "version", "get experiment"]) {
      const argv = [...words.split(" "), "--help"];
      const [theirs, own] = [real(argv), ours(argv)];
      assert.deepEqual([own.code, shape(own.out)], [theirs.code, shape(theirs.out)], words);
    }
  });
});
