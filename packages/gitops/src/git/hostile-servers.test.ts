import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CommandGitOptions, commandGit } from "./command-git.ts";
import { withoutCredentials } from "./repositories.ts";

const sha = "1234567890123456789012345678901234567890";

/** A Git server of the plainest kind: two files. */
const files: RequestListener = (request, response) => {
  const path = (request.url ?? "").split("?")[0] ?? "";
  if (path.endsWith("/info/refs")) response.end(`${sha}\trefs/heads/main\n`);
  else if (path.endsWith("/HEAD")) response.end("ref: refs/heads/main\n");
  else response.writeHead(404).end();
};

async function serve(t: TestContext, listener: RequestListener) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo; // a TCP server's
  const asked = () => requests.map(({ headers }) => headers.authorization);
  return { host: `127.0.0.1:${port}`, asked };
}

function setUp(
  t: TestContext,
  timeoutMs = 20_000,
  protocols = ["http"],
  more: Partial<CommandGitOptions> = {},
) {
  const directory = mkdtempSync(join(tmpdir(), "gitops-servers-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return {
    directory,
    repositories: commandGit({ directory: join(directory, "cache"), protocols, timeoutMs, ...more }),
  };
}

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** Serves those who show who they are. */
const guarded =
  (authorization: string, listener: RequestListener): RequestListener =>
  (request, response) => {
    if (request.headers.authorization === authorization) return listener(request, response);
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
  };

test("a URL's credentials reach its own host, and no list of processes", async (t) => {
  const { repositories } = setUp(t);
  const password = "p@ss:w/ord$(id)'\"";
  let commands = "";
  const { host, asked } = await serve(
    t,
    guarded(basic("jo@x", password), (request, response) => {
      commands += execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
      files(request, response);
    }),
  );
  const url = `http://jo%40x:${encodeURIComponent(password)}@${host}/r`;
  assert.equal(await repositories.resolve(url, "main"), sha);
  assert.ok(asked().includes(basic("jo@x", password)));
  assert.match(commands, new RegExp(`ls-remote -- http://${host}/r`));
  for (const secret of ["jo@x", "jo%40x", "p@ss", "p%40ss"]) assert.ok(!commands.includes(secret), secret);
});

test("a redirect to another host takes no credentials along", async (t) => {
  const { repositories } = setUp(t);
  const other = await serve(t, guarded(basic("u", "secret"), files));
  const { host } = await serve(
    t,
    guarded(basic("u", "secret"), (request, response) => {
      response.writeHead(302, { location: `http://${other.host}${request.url}` }).end();
    }),
  );
  await assert.rejects(repositories.resolve(`http://u:secret@${host}/r`, "main"), /authentication required/);
  assert.ok(other.asked().length > 0);
  assert.deepEqual(new Set(other.asked()), new Set([undefined]));
});

test("a redirect to another protocol is not followed", async (t) => {
  const { repositories, directory } = setUp(t);
  const mark = join(directory, "mark");
  for (const location of [
    `file://${directory}`,
    `ext::touch ${mark}`,
    "ftp://127.0.0.1/x",
    "gopher://127.0.0.1/x",
  ]) {
    const { host } = await serve(t, (_, response) => response.writeHead(302, { location }).end());
    await assert.rejects(repositories.resolve(`http://${host}/r`, "main"), { name: "SourceError" }, location);
  }
  assert.throws(() => execFileSync("ls", [mark], { stdio: "ignore" }));
});

test("a server's objects do not come from where it says others are", async (t) => {
  const { repositories } = setUp(t);
  const other = await serve(t, files);
  const { host } = await serve(t, (request, response) => {
    if (request.url?.endsWith("alternates") === true) response.end(`http://${other.host}/objects\n`);
    else files(request, response);
  });
  await assert.rejects(repositories.tree(`http://${host}/r`, sha), { name: "SourceError" });
  assert.deepEqual(other.asked(), []);
});

test("a server that asks for a password meets nobody who would be asked", async (t) => {
  const { repositories, directory } = setUp(t);
  const mark = join(directory, "mark");
  const trap = join(directory, "trap.sh");
  writeFileSync(trap, `#!/bin/sh\ntouch ${mark}\necho x\n`);
  chmodSync(trap, 0o755);
  const variables = { GIT_ASKPASS: trap, SSH_ASKPASS: trap, DISPLAY: ":0", GIT_TERMINAL_PROMPT: "1" };
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const { host } = await serve(t, guarded("nobody has it", files));
  for (const who of ["", "user@", "user:wrong@"]) {
    const url = `http://${who}${host}/r`;
    const refused = { name: "SourceError", message: "failed to list refs: authentication required" };
    await assert.rejects(repositories.resolve(url, "main"), refused, url);
  }
  assert.throws(() => execFileSync("ls", [mark], { stdio: "ignore" }));
});

test("ssh asks nothing either, and its host name is no option", async (t) => {
  const { repositories, directory } = setUp(t, 20_000, ["ssh"]);
  const said = join(directory, "said");
  writeFileSync(join(directory, "ssh"), `#!/bin/sh\necho "$@" >> ${said}\nexit 1\n`);
  chmodSync(join(directory, "ssh"), 0o755);
  const path = process.env["PATH"];
  process.env["PATH"] = `${directory}:${path}`;
  t.after(() => {
    process.env["PATH"] = path;
  });
  await assert.rejects(repositories.resolve("ssh://-oProxyCommand=x/r", "main"), /strange hostname/);
  await assert.rejects(repositories.resolve("ssh://git@example.invalid/r", "main"), { name: "SourceError" });
  const calls = execFileSync("cat", [said], { encoding: "utf8" });
  assert.match(calls, /-oBatchMode=yes .*git@example.invalid/);
  assert.doesNotMatch(calls, /ProxyCommand/);
});

for (const [what, listener] of Object.entries<RequestListener>({
  "never answers": () => {},
  "answers a byte at a time": (_, response) => {
    response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
    const timer = setInterval(() => response.write("0"), 100);
    response.once("close", () => clearInterval(timer));
  },
})) {
  test(`a server that ${what} is given up at the deadline`, async (t) => {
    const { repositories } = setUp(t, 700);
    const { host } = await serve(t, listener);
    await assert.rejects(repositories.resolve(`http://u:secret@${host}/hang`, "main"), {
      message: "failed to list refs: context deadline exceeded",
      unreachable: true,
    });
    // What was killed is still listed until the kernel has taken it away.
    while (execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).includes(`${host}/hang`))
      await new Promise((resolve) => setTimeout(resolve, 50));
  });
}

// Elsewhere there is no limit of memory to set; the deadline ends it.
test("a server that lists for ever is given up before it fills the memory", {
  skip: process.platform !== "linux",
}, async (t) => {
  const { repositories } = setUp(t, 60_000, ["http"], { maxMemoryBytes: 300_000_000 });
  const { host } = await serve(t, (request, response) => {
    if (request.url?.includes("info/refs") !== true) return void response.writeHead(404).end();
    const page = Array.from({ length: 1000 }, (_, i) => `${sha}\trefs/heads/${i}\n`).join("");
    const more = () => {
      while (response.write(page));
    };
    response.on("drain", more);
    more();
  });
  await assert.rejects(repositories.resolve(`http://${host}/r`, "main"), {
    message: "failed to list refs: the repository takes more memory than the limit",
    unreachable: true,
  });
});

/** A line of Git's protocol. */
const packet = (content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
};
const flush = Buffer.from("0000");

/** A server that knows one commit, and `answer`s to who wants it. */
const smart =
  (answer: (response: ServerResponse) => void): RequestListener =>
  (request, response) => {
    if (request.method === "POST") {
      let asked = "";
      request.on("data", (chunk: Buffer) => {
        asked += chunk.toString("latin1");
      });
      request.once("end", () => {
        response.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
        if (asked.includes("deepen")) response.write(Buffer.concat([packet(`shallow ${sha}`), flush]));
        if (!asked.includes("done")) return void response.end();
        response.write(packet("NAK\n"));
        answer(response);
      });
      return;
    }
    response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
    const can = "side-band-64k shallow allow-tip-sha1-in-want allow-reachable-sha1-in-want";
    const lines = [packet(`${sha} HEAD\0${can}\n`), packet(`${sha} refs/heads/main\n`)];
    response.end(Buffer.concat([packet("# service=git-upload-pack\n"), flush, ...lines, flush]));
  };

const forEver = (response: ServerResponse, page: Buffer) => {
  const more = () => {
    while (response.write(page));
  };
  response.on("drain", more);
  more();
};

/** A pack of one object, which is said to have a thousand million million bytes; and some of them, as zlib stores them. */
const packHead = Buffer.concat([
  Buffer.from("PACK\0\0\0\x02\0\0\0\x01", "latin1"),
  Buffer.from([0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x78, 0x01]),
]);
const stored = Buffer.concat([Buffer.from([0, 0xff, 0x7f, 0, 0x80]), Buffer.alloc(0x7fff, "x")]);

for (const [what, answer, code] of [
  ["stands still in the middle of a fetch", () => {}, "DeadlineExceeded"],
  [
    "tells of its progress for ever",
    (response: ServerResponse) => forEver(response, packet("\x02counting\n")),
    "DeadlineExceeded",
  ],
  [
    "sends an object without an end",
    (response: ServerResponse) => {
      response.write(packet(Buffer.concat([Buffer.from([1]), packHead])));
      forEver(response, packet(Buffer.concat([Buffer.from([1]), stored])));
    },
    "ResourceExhausted",
  ],
] as const) {
  test(`a server that ${what} is given up, and nothing is left of it`, async (t) => {
    const timeoutMs = code === "DeadlineExceeded" ? 1500 : 60_000;
    const { repositories, directory } = setUp(t, timeoutMs, ["http"], { maxPackBytes: 3_000_000 });
    const { host } = await serve(t, smart(answer));
    await assert.rejects(repositories.tree(`http://${host}/hang`, sha), { code, unreachable: true });
    const left = readdirSync(join(directory, "cache"), { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      left.filter((path) => /tmp|\.lock$|\.pack$/.test(path)),
      [],
    );
    while (execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).includes(`${host}/hang`))
      await new Promise((resolve) => setTimeout(resolve, 50));
  });
}

test("what a server says of itself shows no credentials", async (t) => {
  const { repositories } = setUp(t);
  const { host } = await serve(t, (_, response) => response.writeHead(500).end());
  await assert.rejects(repositories.resolve(`http://u:s3cret@${host}/r`, "main"), ({ message }: Error) => {
    assert.match(message, /^failed to list refs: unable to access/);
    assert.doesNotMatch(message, /s3cret|u:/);
    return true;
  });
  assert.equal(withoutCredentials("x https://u:a@b@host/p y ssh://k@h/"), "x https://host/p y ssh://h/");
});
