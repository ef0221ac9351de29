// Git content and Git servers that would hold the control plane, while it is asked other things all the time.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openPki } from "@tracegate/apiserver";
import { createRemoteClient } from "@tracegate/controller-runtime";
import { Application } from "@tracegate/gitops";
import { ConfigMap, Namespace, type ResourceClient } from "@tracegate/kube";
import { parse } from "yaml";
import { missingTools } from "../support/tools.ts";
import { type Run, root, start, temporaryState } from "../support/tracegate.ts";

const object = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const times = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join("");

/** Content as Git's fast-import takes it: `100644` for files, `120000` for links. */
type Files = Readonly<Record<string, string>>;

/** What a commit may hold, what of it is rendered, and what the Application is to say of it. */
const contents: Readonly<Record<string, { files: Files; links?: Files; recurse?: boolean; says: RegExp }>> = {
  bomb: {
    files: {
      "a.yaml": `${object("a")}a0: &a0 lol\n${times(30, (i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`)}`,
    },
    says: /alias/,
  },
  growing: {
    files: {
      "a.yaml": `${object("a")}data:\n  a: &a [${'"some text", '.repeat(10_000)}]\n  b:\n${"  - *a\n".repeat(900)}`,
    },
    says: /what the source comes to is larger than 20000000 bytes/,
  },
  endless: {
    files: {
      "all.yaml": times(9000, (i) => `---\n${object(`c${i}`)}`),
      "kustomization.yaml": `resources: [all.yaml]\npatches:\n${"- {target: {kind: ConfigMap}, patch: '[{op: add, path: /data, value: {}}]'}\n".repeat(20_000)}`,
    },
    says: /rendering was ended after 15 s: split the source, or make it simpler/,
  },
  tiny: {
    files: { "a.yaml": `${object("a")}data: [${"[],".repeat(3_000_000)}]\n` },
    says: /rendering was ended (after 15 s|at 512 MB of memory): split the source/,
  },
  huge: {
    files: { "a.yaml": "# x\n".repeat(25_000_000) },
    says: /file "a.yaml" is larger than 10000000 bytes/,
  },
  many: {
    files: Object.fromEntries(
      Array.from({ length: 100_000 }, (_, i) => [`${i % 100}/${i}.yaml`, object(`c${i}`)]),
    ),
    recurse: true,
    says: /more than 10000 objects in one source/,
  },
  outside: {
    files: { "a.yaml": object("a") },
    links: { "b.yaml": "../../../etc/passwd" },
    says: /out-of-bounds symlinks/,
  },
};

const hex = "1234567890123456789012345678901234567890";
const send = (response: ServerResponse, page: string) => {
  const more = () => {
    while (response.write(page));
  };
  response.on("drain", more);
  more();
};

/** How a server may behave, and what the Application is to say of it. */
const servers: Readonly<Record<string, { listener: RequestListener; says: RegExp }>> = {
  silent: { listener: () => {}, says: /failed to list refs: context deadline exceeded/ },
  slow: {
    listener: (_, response) => {
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      const timer = setInterval(() => response.write("0"), 100);
      response.once("close", () => clearInterval(timer));
    },
    says: /failed to list refs: context deadline exceeded/,
  },
  talkative: {
    listener: (request, response) =>
      request.url?.includes("info/refs") === true
        ? send(
            response,
            times(1000, (i) => `${hex}\trefs/heads/${i}\n`),
          )
        : response.writeHead(404).end(),
    says: /failed to list refs: (context deadline exceeded|the repository takes more memory|repository answer is larger)/,
  },
};

describe("hostile sources", { skip: missingTools("git", "ps") }, () => {
  const temporary = temporaryState();
  let platform: Run;
  let client: ResourceClient & { close(): void };
  const closing: (() => void)[] = [];

  before(async () => {
    writeFileSync(join(temporary.path, "tracegate.yaml"), "sourceTimeout: 15s\ngitPollInterval: 1s\n");
    const state = join(temporary.path, "s");
    const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=4"];
    platform = start(
      process.execPath,
      [...flags, join(root, "apps/cli/src/main.ts"), "up", "--ports", "free", "--state", state],
      { GIT_SSL_NO_VERIFY: "true" },
      temporary.path,
    );
    await platform.seen(/Serving until Ctrl-C/);
    client = clientOf(join(state, "kubeconfig"));
  });
  after(async () => {
    client?.close();
    for (const close of closing) close();
    platform?.process.kill("SIGINT");
    await platform?.ended;
    temporary.remove();
  });

  test("each is cut off at its limit and told, and everyone else is answered meanwhile", async () => {
    const urls = new Map<string, string>();
    for (const [name, { files, links }] of Object.entries(contents))
      urls.set(name, repository(join(temporary.path, name), files, links));
    const pki = await openPki(join(temporary.path, "pki"), ["127.0.0.1"], Date.now());
    for (const [name, { listener }] of Object.entries(servers)) {
      const server = createServer({ cert: pki.server.certificate, key: pki.server.key }, listener);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo; // a TCP server's
      urls.set(name, `https://127.0.0.1:${port}/r`);
      closing.push(() => {
        server.close();
        server.closeAllConnections();
      });
    }
    const ring = { a: "b", b: "a", self: ".", "x/y": "../x" };
    const good = repository(join(temporary.path, "good"), { "a.yaml": object("a") }, ring);

    for (const [name, url] of urls) await create(client, name, url, contents[name]?.recurse);
    let answered = 0;
    let asking = true;
    const others = (async () => {
      for (; asking; answered++) await client.get(Namespace, { name: "default" });
    })();
    others.catch(() => {}); // looked at below
    // Those who come last have their turn, too.
    await create(client, "good", good);
    await until(async () => (await client.get(ConfigMap, { namespace: "good", name: "a" })) !== undefined);
    for (const [name, { says }] of Object.entries({ ...contents, ...servers })) {
      const told = async () => {
        const { status } = await client.get(Application, { namespace: "argocd", name });
        return status?.conditions?.find(({ type }) => type === "ComparisonError")?.message;
      };
      await until(async () => (await told()) !== undefined);
      // On a busy machine the limit of time may come before the other.
      const cut = /rendering was ended after 15 s/;
      assert.match((await told()) ?? "", new RegExp(`${says.source}|${cut.source}`), name);
    }
    asking = false;
    await others;
    assert.ok(answered > 200, `${answered} requests were answered in all that time`);
    assert.equal(platform.process.exitCode, null);
    // Nothing is kept half done.
    const cache = join(temporary.path, "s", "git");
    assert.deepEqual(
      readdirSync(cache).filter((name) => !/^[0-9a-f]{32}$/.test(name)),
      [],
    );
  });

  test("what reads sources ends with the platform", async () => {
    const url = repository(join(temporary.path, "last"), { "a.yaml": object("a") });
    await create(client, "last", url);
    await until(async () => (await client.get(ConfigMap, { namespace: "last", name: "a" })) !== undefined);
    const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(platform.process.pid)], {
      encoding: "utf8",
    });
    const readers = children.split("\n").filter((line) => line.includes("reading-process.ts"));
    assert.ok(readers.length > 0, children);
    platform.process.kill("SIGINT");
    await platform.ended;
    for (const line of readers)
      assert.throws(() => process.kill(Number.parseInt(line, 10), 0), { code: "ESRCH" }, line);
  });
});

/** A bare repository with one commit; answers its path. */
function repository(path: string, files: Files, links: Files = {}): string {
  mkdirSync(path);
  const git = (input: string, ...args: string[]) =>
    execFileSync("git", ["-C", path, ...args], { input, stdio: ["pipe", "ignore", "pipe"], maxBuffer: 1e9 });
  git("", "init", "--quiet", "--bare", "--initial-branch=main");
  const entries = [
    ...Object.entries(files).map((entry) => ["100644", ...entry] as const),
    ...Object.entries(links).map((entry) => ["120000", ...entry] as const),
  ].map(
    ([mode, name, content]) => `M ${mode} inline ${name}\ndata ${Buffer.byteLength(content)}\n${content}\n`,
  );
  const head = "commit refs/heads/main\ncommitter t <t@t> 1700000000 +0000\ndata 1\nx\n";
  git(`${head}${entries.join("")}\n`, "fast-import", "--quiet");
  return path;
}

function clientOf(kubeconfig: string): ResourceClient & { close(): void } {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as {
    clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
    users: [{ user: { "client-certificate-data": string; "client-key-data": string } }];
  }; // as the platform writes it
  const text = (base64: string) => Buffer.from(base64, "base64").toString();
  return createRemoteClient({
    server: clusters[0].cluster.server,
    ca: text(clusters[0].cluster["certificate-authority-data"]),
    cert: text(users[0].user["client-certificate-data"]),
    key: text(users[0].user["client-key-data"]),
  });
}

async function create(client: ResourceClient, name: string, repoURL: string, recurse = false): Promise<void> {
  await client.create(Application, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    // Asked for a refresh, it tells troubles of a server at once.
    metadata: { namespace: "argocd", name, annotations: { "argocd.argoproj.io/refresh": "normal" } },
    spec: {
      project: "default",
      source: { repoURL, path: ".", targetRevision: "main", ...(recurse && { directory: { recurse } }) },
      destination: { server: "https://kubernetes.default.svc", namespace: name },
      syncPolicy: { automated: {}, syncOptions: ["CreateNamespace=true"] },
    },
  });
}

/** Waits for what another process does; the runner's own limit of time ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 100));
}
