import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { imageCatalogue, openSandbox, type Sandbox } from "@tracegate/kubelet";
import {
  containerSpec,
  eventually,
  podSpec,
  skipWithoutNamespaces,
  temporaryDirectory,
} from "@tracegate/kubelet/testing";
import { bundledImages } from "./bundled-images.ts";

const podinfo = "ghcr.io/stefanprodan/podinfo:6.9.3";
const hotrod = "jaegertracing/example-hotrod:1.76.0";
const echoserver = "registry.k8s.io/e2e-test-images/echoserver:2.5";
const collector = "otel/opentelemetry-collector-contrib:0.142.0";
const curl = "curlimages/curl:8.11.1";

// What the images that these stand for have, named as manifests name it; and what it says.
const commands: readonly (readonly [image: string, command: readonly string[], says: RegExp])[] = [
  [podinfo, ["./podinfo", "--version"], /^6\.9\.3$/],
  [podinfo, ["podinfo", "--version"], /^6\.9\.3$/],
  [podinfo, ["/home/app/podinfo", "--version"], /^6\.9\.3$/],
  [podinfo, ["sh", "-c", "exec ./podinfo --version"], /^6\.9\.3$/],
  [podinfo, ["podcli", "version"], /^6\.9\.3$/],
  [podinfo, ["podcli", "check", "http", "localhost:9997/healthz"], /"msg":"check failed",.*ECONNREFUSED/],
  [podinfo, ["podcli", "check", "cert", "localhost"], /podcli has: check http, check tcp, version$/],
  [hotrod, ["/go/bin/hotrod-linux", "--help"], /^HotROD/],
  [echoserver, ["run.sh", "--version"], /^2\.5$/],
  [collector, ["/otelcol-contrib", "--version"], /^otelcol-contrib version/],
  [curl, ["curl", "--version"], /^curl \d/],
  [curl, ["sh", "-c", "curl --version"], /^curl \d/],
];

for (const [kind, skip] of [
  ["namespaced", skipWithoutNamespaces()],
  ["loopback", false],
] as const) {
  describe(`bundled images in the ${kind} sandbox`, { skip }, () => {
    const dir = temporaryDirectory();
    const catalogue = imageCatalogue(bundledImages());
    let sandbox: Sandbox;
    before(async () => {
      sandbox = await openSandbox(kind, { stateDir: dir.path, clock: wallClock });
      await sandbox.startPod(podSpec("pod"));
    });
    after(async () => {
      await sandbox.shutdown();
      dir[Symbol.dispose]();
    });

    const start = async (name: string, image: string, command: readonly string[]) => {
      const found = catalogue.lookUp(image);
      assert.ok("image" in found, image);
      const { env, binds, workingDir } = found.image;
      const logFile = join(dir.path, "logs", name);
      const spec = { name, env: { ...env }, binds: [...binds], workingDir, logFile };
      const started = await sandbox.startContainer(containerSpec(dir.path, "pod", [...command], spec));
      assert.deepEqual(started, {}, command.join(" "));
      return () =>
        readFileSync(logFile, "utf8")
          .split("\n")
          .map((line) => line.split(" ").slice(3).join(" "))
          .join("\n")
          .trim();
    };

    for (const [index, [image, command, says]] of commands.entries()) {
      test(`${command.join(" ")} runs in ${image}`, async () => {
        const printed = await start(`c${index}`, image, command);
        await eventually("it has ended", async () => {
          const [pod] = await sandbox.list();
          return pod?.containers.find(({ name }) => name === `c${index}`)?.state === "exited";
        });
        assert.match(printed(), says);
      });
    }

    test("podinfo serves by the command of its own manifests, and its client checks it as their probes do", async () => {
      const ports = ["--port=9898", "--port-metrics=9797", "--grpc-port=9999"];
      const printed = await start("served", podinfo, ["./podinfo", ...ports, "--level=info"]);
      const check = (address: string) =>
        sandbox.exec({
          ...{ podUid: "pod", container: "served", command: ["podcli", "check", ...address.split(" ")] },
          ...{ stdin: false, tty: false, timeoutMs: 20_000, outputLimit: 1000 },
        });
      await eventually("it is ready", async () => (await check("http localhost:9898/readyz")).exitCode === 0);
      assert.equal((await check("tcp localhost:9797")).exitCode, 0);
      const { exitCode, output } = await check("http http://localhost:9898/status/500");
      assert.equal(exitCode, 1);
      assert.match(output, /"status code":500/);
      assert.match(printed(), /Starting podinfo/);
    });
  });
}
