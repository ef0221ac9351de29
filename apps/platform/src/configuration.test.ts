import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { temporaryDirectory } from "@tracegate/kubelet/testing";
import fc from "fast-check";
import { parseConfiguration, readConfiguration } from "./configuration.ts";

const dir = temporaryDirectory();
mkdirSync(join(dir.path, "bin"));
writeFileSync(join(dir.path, "bin/app"), "#!/bin/sh\n", { mode: 0o755 });
writeFileSync(join(dir.path, "application.yaml"), "");
const file = join(dir.path, "tracegate.yaml");
test.after(() => dir[Symbol.dispose]());

test("images, applications and paces are read; paths start from the file", () => {
  const text = `
images:
  "my/app:*": { command: [./app, --port, 8080], workingDir: bin, env: { LEVEL: debug, RETRIES: 3, ON: yes } }
  my/node: { command: [node, server.js] }
applications: [application.yaml]
hostAccess: [5432, "6379"]
egress: [API.example.com:443, db.example.com:5432]
scrapeInterval: 2s
gitPollInterval: 500ms
`;
  assert.deepEqual(parseConfiguration(text, file), {
    file,
    images: [
      {
        pattern: "my/app:*",
        where: `${file}:3:26`,
        command: ["./app", "--port", "8080"],
        workingDir: join(dir.path, "bin"),
        env: { LEVEL: "debug", RETRIES: "3", ON: "yes" },
      },
      {
        pattern: "my/node",
        where: `${file}:4:23`,
        command: ["node", "server.js"],
        workingDir: dir.path,
        env: {},
      },
    ],
    applications: [join(dir.path, "application.yaml")],
    hostAccess: [5432, 6379],
    egress: [
      { host: "api.example.com", port: 443 },
      { host: "db.example.com", port: 5432 },
    ],
    pace: { scrapeIntervalMs: 2000, gitPollMs: 500 },
  });
});

const mistakes: readonly [text: string, error: string][] = [
  ["images: [", "1:10: Flow sequence in block collection must be sufficiently indented and end with a ]"],
  ["- a", "1:1: the configuration is no map (expected keys and values)"],
  ["image: {}", '1:1: "image" is no field of the configuration (expected images, applications,'],
  ["images: 3", "1:9: images is no map"],
  ["images:\n  'My/App': {}", '2:3: "My/App" is no image reference (expected one like "my/app:*")'],
  ["images:\n  my/app:", '2:3: images["my/app"] is empty'],
  ["images:\n  my/app: {}", '2:3: images["my/app"] has no command'],
  ["images:\n  my/app: {command: []}", '2:21: images["my/app"] has no command'],
  ["images:\n  my/app: {command: ./app}", '2:21: images["my/app"].command is no list'],
  ["images:\n  my/app: {command: [[a]]}", '2:22: a word of images["my/app"].command is no text'],
  ["images:\n  my/app:\n    cmd: [a]", '3:5: "cmd" is no field of images["my/app"] (expected command,'],
  ["images:\n  my/app: {command: [a], workingDir: no}", `2:38: ${dir.path}/no is no directory`],
  ["images:\n  my/app: {command: [./no]}", `2:21: ${dir.path}/no is not there`],
  ["images:\n  my/app: {command: [a], workingDir: /}", '2:38: the pods of "my/app" would see all of /'],
  [
    `images:\n  my/app: {command: [a], workingDir: ${homedir()}}`,
    `2:38: the pods of "my/app" would see all of ${homedir()}`,
  ],
  ["images:\n  my/app: {command: [a], env: {A: [1]}}", '2:35: images["my/app"].env.A is no text'],
  [
    "images:\n  my/app: {command: [a], env: {A: }}",
    '2:32: images["my/app"].env.A is empty (expected text; "" for none)',
  ],
  [
    "images:\n  my/app: {command: [./application.yaml]}",
    `2:21: ${dir.path}/application.yaml is no program (expected an`,
  ],
  ["images:\n  my/app: {command: [./bin]}", `2:21: ${dir.path}/bin is no program`],
  ["images: {a: {command: [b]}, a: {command: [b]}}", "1:29: Map keys must be unique (expected YAML)"],
  ["a: b\n---\nc: d", "2:1: there is a second document (expected one)"],
  ["images:\n\tmy/app: {}", "2:1: Tabs are not allowed as indentation"],
  ["applications: a.yaml", "1:15: applications is no list (expected one like [application.yaml])"],
  ["applications: [no.yaml]", `1:16: ${dir.path}/no.yaml is not there`],
  ["hostAccess: 5432", "1:13: hostAccess is no list (expected one like [5432])"],
  ["hostAccess: [0]", '1:14: "0" is no port (expected 1 to 65535)'],
  ["hostAccess: [postgres]", '1:14: "postgres" is no port'],
  [
    "egress: [192.0.2.1:443]",
    '1:10: "192.0.2.1:443" is an address: pods find the outside by names (expected a name and a port, like',
  ],
  ['egress: ["[::1]:443"]', '1:10: "[::1]:443" is an address'],
  ["egress: [api.example.com]", '1:10: "api.example.com" is no host with a port'],
  ["egress: ['*:443']", '1:10: "*:443" is no host with a port'],
  ["egress: [api.example.com:0]", '1:10: "0" is no port'],
  ["egress: [web.default.svc:80]", '1:10: "web.default.svc" is a name of the cluster or of this machine'],
  ["egress: [host.tracegate.internal:80]", '1:10: "host.tracegate.internal" is a name of the cluster'],
  ["scrapeInterval: soon", "1:17: scrapeInterval is no duration (expected 100ms to 60m, like 2s)"],
  ["sourceTimeout: forever", "1:16: sourceTimeout is no duration"],
  ["gitPollInterval: 1ms", "1:18: gitPollInterval is no duration"],
];
for (const [text, error] of mistakes) {
  test(`a mistake is told with its place: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseConfiguration(text, file),
      ({ message, name }: Error) =>
        name === "ProblemError" && (message.startsWith(`${file}:${error}`) || assert.equal(message, error)),
    );
  });
}

test("what a link hides, zero bytes and nesting without end are refused with their place", () => {
  symlinkSync("/", join(dir.path, "everything"));
  for (const [text, mistake] of [
    ["images:\n  a: {command: [b], workingDir: everything}", 'the pods of "a" would see all of /'],
    [`images:\n  a: {command: [b], workingDir: ${dirname(homedir())}}`, 'the pods of "a" would see all of /'],
    ['images: {a: {command: ["b\\0c"]}}', "holds a zero byte"],
    ['images: {a: {command: [b], env: {A: "b\\0c"}}}', "holds a zero byte"],
    [`images: ${"[".repeat(20_000)}`, "1:"],
    ["images: &a {x: *a}", 'images["x"] is no map'],
    ["images: !!js/function 'x'", "images is no map"],
  ] as const) {
    const told = (error: unknown) => error instanceof ProblemError && error.message.includes(mistake);
    assert.throws(() => parseConfiguration(text, file), told, text.slice(0, 60));
  }
});

test("whatever the text, it is read or refused with a place", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseConfiguration(text, file);
      } catch (error) {
        assert.match((error as Error).message, /^\S+tracegate\.yaml:\d+:\d+: /);
      }
    }),
  );
});

test("without a file there is nothing; a file that is named must be there", () => {
  assert.deepEqual(readConfiguration({ cwd: dir.path }), {
    images: [],
    applications: [],
    hostAccess: [],
    egress: [],
    pace: {},
  });
  assert.throws(
    () => readConfiguration({ cwd: dir.path, file: "no.yaml" }),
    /no\.yaml: .*cannot be read \(ENOENT\)/,
  );
});
