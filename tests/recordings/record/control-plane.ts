import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { get } from "node:https";
import { join } from "node:path";
import { createRemoteClient } from "@tracegate/controller-runtime";

/** The real Kubernetes on loopback, without nodes: whoever records plays the kubelet. */
export interface ControlPlane {
  readonly client: ReturnType<typeof createRemoteClient>;
  readonly kubeconfig: string;
  /** Starts a program beside it, from the folder of the peers; it ends with the control plane. */
  run(name: string, args: readonly string[]): void;
  /** Throws when one of the programs has ended. */
  check(): void;
  stop(): Promise<void>;
}

const token = "admintoken";

/**
 * Starts etcd, kube-apiserver and kube-controller-manager from `peers` (what `bench/peers/build` made). State, logs and a
 * kubeconfig go to `folder`; `port` and the two after it are used.
 */
export async function startControlPlane(peers: string, folder: string, port: number): Promise<ControlPlane> {
  mkdirSync(folder, { recursive: true });
  const path = (name: string) => join(folder, name);
  const processes: ChildProcess[] = [];
  const run = (name: string, args: readonly string[]) => {
    const binary = join(peers, name);
    if (!existsSync(binary)) throw new Error(`${binary} is missing: build it with bench/peers/build`);
    const started = spawn(binary, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, KUBECONFIG: path("kubeconfig") },
    });
    const log = createWriteStream(path(`${name}.log`));
    started.stdout?.pipe(log);
    started.stderr?.pipe(log);
    processes.push(started);
    started.once("exit", (code) => {
      if (!stopping) lost ??= new Error(`${name} ended (${code}): see ${path(`${name}.log`)}`);
    });
  };
  let stopping = false;
  let lost: Error | undefined;
  const stop = async () => {
    stopping = true;
    for (const one of processes.toReversed()) {
      if (one.exitCode !== null || one.signalCode !== null) continue;
      const ended = new Promise((resolve) => one.once("exit", resolve));
      one.kill();
      await ended;
    }
  };

  writeCredentials(path);
  const [etcd, peer] = [`http://127.0.0.1:${port + 1}`, `http://127.0.0.1:${port + 2}`];
  try {
    run("etcd", [
      ...["--data-dir", path("etcd"), "--unsafe-no-fsync", "--listen-client-urls", etcd, "--advertise-client-urls", etcd],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`],
    ]);
    run("kube-apiserver", [
      `--etcd-servers=${etcd}`,
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--cert-dir=${path("certs")}`,
      `--service-account-key-file=${path("sa.pub")}`,
      `--service-account-signing-key-file=${path("sa.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--token-auth-file=${path("tokens.csv")}`,
      "--authorization-mode=RBAC",
      "--service-cluster-ip-range=127.96.0.0/16",
      "--disable-admission-plugins=ServiceAccount",
      // Controllers that the recordings need run under one user; none of its requests should wait for another's.
      "--enable-priority-and-fairness=false",
    ]);
    const certificate = path("certs/apiserver.crt");
    await until(() => existsSync(certificate), "kube-apiserver makes no certificate");
    const server = `https://127.0.0.1:${port}`;
    writeFileSync(path("kubeconfig"), kubeconfigOf(server, certificate), { mode: 0o600 });
    const client = createRemoteClient({ server, token, ca: readFileSync(certificate, "utf8") });
    const answers = () => isHealthy(server, readFileSync(certificate, "utf8"));
    await until(answers, `kube-apiserver does not answer: see ${path("kube-apiserver.log")}`);
    run("kube-controller-manager", [
      `--kubeconfig=${path("kubeconfig")}`,
      `--service-account-private-key-file=${path("sa.key")}`,
      "--leader-elect=false",
      "--secure-port=0",
      "--controllers=replicaset-controller,deployment-controller,job-controller,garbage-collector-controller,namespace-controller",
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
    ]);
    const check = () => {
      if (lost !== undefined) throw lost;
    };
    return { client, kubeconfig: path("kubeconfig"), run, check, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function writeCredentials(path: (name: string) => string): void {
  if (existsSync(path("sa.key"))) return;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  writeFileSync(path("sa.key"), privateKey, { mode: 0o600 });
  writeFileSync(path("sa.pub"), publicKey);
  writeFileSync(path("tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
}

const kubeconfigOf = (server: string, certificate: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "real", cluster: { server, "certificate-authority": certificate } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "real", context: { cluster: "real", user: "admin" } }],
    "current-context": "real",
  });

/** What kube-controller-manager waits for, no longer than ten seconds. */
const isHealthy = (server: string, ca: string): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { ca, headers: { authorization: `Bearer ${token}` } };
    get(`${server}/healthz`, options, (answer) => resolve(answer.resume().statusCode === 200)).on("error", () =>
      resolve(false),
    );
  });

/** Asks ten times a second, for two minutes at most. */
export async function until(condition: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(otherwise);
}
