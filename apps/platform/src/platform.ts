import { dirname, join } from "node:path";
import {
  AnalysisRun,
  crds as analysisKinds,
  analysisRunController,
  clusterHttp,
  jobProvider,
  prometheusProvider,
  webProvider,
} from "@tracegate/analysis";
import {
  apiServerHosts,
  createApi,
  embeddedClient,
  openPki,
  startApiServer,
  writeKubeconfig,
} from "@tracegate/apiserver";
import { wallClock } from "@tracegate/contracts";
import {
  type Controller,
  createEventRecorder,
  type EventRecorder,
  startControllers,
  wallScheduler,
} from "@tracegate/controller-runtime";
import { evidenceArchive, evidenceController } from "@tracegate/evidence";
import {
  applicationController,
  applicationSetController,
  cachedGit,
  commandGit,
  crds as gitopsKinds,
  readApart,
  watchedByDefault,
} from "@tracegate/gitops";
import type { ResourceClient } from "@tracegate/kube";
import { createKubelet, imageCatalogue, openSandbox } from "@tracegate/kubelet";
import { Rollout, rolloutController, crds as rolloutKinds } from "@tracegate/rollouts";
import { sqliteStore } from "@tracegate/store";
import { idleKinds, startGarbageCollector, workloadControllers } from "@tracegate/workloads";
import { accountTokens } from "./account-tokens.ts";
import { applyApplications, checkApplications, readApplications } from "./applications.ts";
import { bundledImages, keepCompiledImages } from "./bundled-images.ts";
import type { Configuration } from "./configuration.ts";
import { installKinds, installNamespaces } from "./installation.ts";
import { openLog } from "./log.ts";
import { ownImage } from "./own-images.ts";
import { freePorts, reservedNodePorts, usualPorts } from "./ports.ts";
import { chooseSandbox, type SandboxChoice } from "./sandbox-choice.ts";
import { scrapeTargetsController } from "./scrape-targets.ts";
import { type Pace, settlePace } from "./settings.ts";
import {
  claimStateDirectory,
  emptyDirectory,
  makeDirectory,
  publishRunning,
  type StateDirectory,
} from "./state-directory.ts";
import { startWorker } from "./workers/start-worker.ts";
import type { MetricsWorkerData, TracesWorkerData } from "./workers/worker-messages.ts";

export interface PlatformOptions extends Partial<Pace> {
  readonly state: StateDirectory;
  readonly ports: "usual" | "free";
  /** The user's own programs and applications. */
  readonly configuration?: Configuration;
  /** How pods run; `auto` (the default): in namespaces where the machine has them, else as plain processes. */
  readonly sandbox?: SandboxChoice;
  /** In the plain sandbox: whether manifests may bring commands of their own. Default: false. */
  readonly allowHostCommands?: boolean;
  /** Told in plain lines what has come up. */
  announce(line: string): void;
}

/** Applications and sets at work at once: more than others, for many wait for a server or a renderer. */
const waitingForSources = 10;

/** The embedded platform as it runs in this process. */
export interface Platform {
  readonly client: ResourceClient;
  /** By name, for people. */
  readonly urls: Readonly<Record<string, string>>;
  /** Ends everything: controllers, pods, workers, the API, the claim on the state directory. */
  stop(): Promise<void>;
}

/**
 * Starts the platform on a state directory, or goes on where an earlier one stopped or was killed. Each step needs those
 * above it; what was started is stopped in the opposite order, also when a later step fails.
 * @throws ProblemError with one line for the user.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { state, announce } = options;
  const ports = options.ports === "free" ? freePorts : usualPorts;
  // Nothing is made on a machine that can run no pod.
  const { kind, line } = await chooseSandbox(options.sandbox ?? "auto");
  // Nor for a configuration with a mistake in it.
  const { configuration } = options;
  const applications = readApplications(configuration?.applications ?? []);
  await checkApplications(applications);
  const images = (configuration?.images ?? []).map((image) =>
    ownImage(image, {
      stateDir: state.root,
      emptyDir: emptyDirectory(state),
      path: process.env["PATH"] ?? "",
      node: process.execPath,
      isIsolated: kind === "namespaced",
    }),
  );
  const started = new AsyncDisposableStack();
  try {
    // 1. The state directory is this process's alone.
    const claim = claimStateDirectory(state);
    started.defer(() => claim.release());
    const pace = settlePace(state, { ...configuration?.pace, ...options });
    makeDirectory(emptyDirectory(state));
    const log = openLog(join(state.root, "tracegate.log"), announce);

    // 2. The Kubernetes API, in process and over HTTPS.
    const scheduler = wallScheduler();
    const store = sqliteStore(state.apiDatabase);
    started.defer(() => store.close());
    const api = createApi({
      store,
      clock: wallClock,
      reservedNodePorts,
      idleKinds,
      defaultServiceAccount: true,
      // Pods of the namespaced sandbox are told that they do not get it.
      allowPrivileged: true,
    });
    const client = embeddedClient(api);
    const pki = await openPki(state.certificates, apiServerHosts(), wallClock.now());
    const apiServer = await startApiServer({ api, port: ports.api, pki, keyDirectory: state.certificates });
    started.defer(() => apiServer.close());
    writeKubeconfig(state.kubeconfig, {
      server: apiServer.url,
      authority: pki.authority,
      user: { name: "admin", clientCertificate: pki.admin },
    });
    const moved = ports.api !== 0 && apiServer.port !== ports.api ? ` (port ${ports.api} is taken)` : "";
    announce(`Kubernetes API ready at ${apiServer.url}${moved}`);

    // 3. The kinds and namespaces that the controllers below work on.
    await installKinds(client, [...analysisKinds, ...rolloutKinds, ...gitopsKinds]);
    await installNamespaces(client);

    // Once an installation, with what the machine has to spare: pods of bundled images start without it, too.
    const background = new AbortController();
    started.defer(() => background.abort());
    void keepCompiledImages(background.signal);

    // 4. The node: an agent that runs pods, found again where an earlier control plane left it.
    if (line !== undefined) announce(line);
    const sandbox = await openSandbox(kind, {
      stateDir: state.root,
      clock: wallClock,
      onAgentLost: (message) => log.error({ component: "kubelet" }, message),
    });
    const events = (component: string): EventRecorder =>
      createEventRecorder({ client, scheduler, component, log });
    const allowHostCommands = kind === "namespaced" || options.allowHostCommands === true;
    const kubelet = createKubelet({
      client,
      clock: wallClock,
      events: events("kubelet"),
      sandbox,
      catalogue: imageCatalogue([...images, ...bundledImages({ ownCommandsOnly: !allowHostCommands })]),
      stateDir: state.root,
      tokens: accountTokens(client, apiServer.tokens),
      allowHostCommands,
      log,
    });
    started.defer(() => kubelet.stop({ pods: "end" }));
    apiServer.usePodAccess(kubelet.podAccess);

    // 5. Metrics and traces, each on a thread of its own, and in the cluster as Services like any other.
    const socket = (name: string) => join(dirname(sandbox.socketPath), name);
    const lost = (error: Error) => log.error({ error: error.message }, "a worker ended");
    const metrics = await startWorker<MetricsWorkerData>({
      name: "Prometheus",
      file: new URL("./workers/metrics-worker.ts", import.meta.url),
      data: {
        directory: state.metrics,
        port: ports.prometheus,
        unixPath: socket("prometheus"),
        agentSocket: sandbox.socketPath,
        scrapeIntervalMs: pace.scrapeIntervalMs,
      },
      lost,
    });
    started.defer(() => metrics.stop());
    const traces = await startWorker<TracesWorkerData>({
      name: "Jaeger",
      file: new URL("./workers/traces-worker.ts", import.meta.url),
      data: {
        database: state.traces,
        port: ports.jaeger,
        queryPath: socket("jaeger"),
        grpcPath: socket("otlp-grpc"),
        httpPath: socket("otlp-http"),
      },
      lost,
    });
    started.defer(() => traces.stop());
    await kubelet.registerPlatformService({
      namespace: "prometheus",
      name: "prometheus-server",
      ports: [{ name: "http", port: 80, target: { unixPath: socket("prometheus") } }],
    });
    await kubelet.registerPlatformService({
      namespace: "jaeger",
      name: "jaeger-collector",
      ports: [
        { name: "otlp-grpc", port: 4317, target: { unixPath: socket("otlp-grpc") } },
        { name: "otlp-http", port: 4318, target: { unixPath: socket("otlp-http") } },
      ],
    });
    await kubelet.registerPlatformService({
      namespace: "jaeger",
      name: "jaeger-query",
      ports: [{ name: "http", port: 16686, target: { unixPath: socket("jaeger") } }],
    });
    await kubelet.registerPlatformService({
      namespace: "default",
      name: "kubernetes",
      ports: [{ name: "https", port: 443, target: { hostPort: apiServer.port } }],
    });

    // What the user lets pods reach besides the cluster.
    for (const port of configuration?.hostAccess ?? []) await kubelet.exposeHostPort(port);
    for (const { host, port } of configuration?.egress ?? []) await kubelet.allowEgress(host, port);

    // 6. The controllers, from workloads to delivery.
    const reading = new AbortController();
    const { sourceTimeoutMs } = configuration ?? {};
    const repositories = commandGit({
      directory: state.gitCache,
      signal: reading.signal,
      ...(sourceTimeoutMs !== undefined && { timeoutMs: sourceTimeoutMs }),
    });
    await repositories.recover();
    const sources = readApart({
      git: repositories,
      clock: wallClock,
      ...(sourceTimeoutMs !== undefined && { timeLimitMs: sourceTimeoutMs }),
    });
    const git = cachedGit(repositories, {
      clock: wallClock,
      maxAgeMs: Math.min(pace.gitPollMs / 2, 1000),
    });
    const http = clusterHttp(kubelet.network, wallClock);
    const now = () => wallClock.now();
    const onApplication = events("argocd-application-controller");
    const controllers: Controller[] = [
      ...workloadControllers({ client, clock: wallClock, events, rootCa: pki.authority }),
      ...kubelet.controllers,
      scrapeTargetsController(client, (pods) => metrics.send({ type: "pods", pods })),
      analysisRunController({
        client,
        clock: wallClock,
        events: events("rollouts-controller"),
        providers: {
          prometheus: prometheusProvider({ http, now }),
          web: webProvider({ http, now }),
          job: jobProvider({ client, now }),
        },
      }),
      rolloutController({ client, clock: wallClock, events: events("rollouts-controller") }),
      {
        ...applicationSetController({
          client,
          clock: wallClock,
          git,
          sources,
          pollIntervalMs: pace.gitPollMs,
        }),
        concurrency: waitingForSources,
      },
      {
        ...applicationController({
          client,
          clock: wallClock,
          git,
          sources,
          pollIntervalMs: pace.gitPollMs,
          watchedKinds: [...watchedByDefault, Rollout, AnalysisRun],
          recordEvent: (application, type, reason, message) =>
            onApplication.event(application, type, reason, message),
        }),
        concurrency: waitingForSources,
      },
      evidenceController({ client, clock: wallClock, archive: evidenceArchive(state.evidence) }),
    ];
    const manager = startControllers({ client, scheduler, controllers, log });
    started.defer(() => manager.stop());
    // No reconcile that waits for a source holds up the end.
    started.defer(() => sources.close());
    started.defer(() => reading.abort());
    const collector = startGarbageCollector({ client, scheduler, log });
    started.defer(() => collector.stop());
    await manager.synced;
    await applyApplications(client, applications);

    const urls = {
      Kubernetes: apiServer.url,
      Prometheus: `http://127.0.0.1:${metrics.port}`,
      Jaeger: `http://127.0.0.1:${traces.port}`,
    };
    publishRunning(state, { server: apiServer.url, urls });
    return { client, urls, stop: () => started.disposeAsync() };
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}
