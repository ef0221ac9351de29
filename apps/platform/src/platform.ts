import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  analysisRunController,
  clusterHttp,
  crds as analysisKinds,
  jobProvider,
  prometheusProvider,
  webProvider,
} from "@tracegate/analysis";
import { createApi, embeddedClient, startApiServer } from "@tracegate/apiserver";
import { wallClock } from "@tracegate/contracts";
import {
  type Controller,
  createEventRecorder,
  type Log,
  startControllers,
  wallScheduler,
} from "@tracegate/controller-runtime";
import { evidenceArchive, evidenceController } from "@tracegate/evidence";
import {
  AppProject,
  applicationController,
  applicationSetController,
  cachedGit,
  commandGit,
  crds as gitopsKinds,
  watchedByDefault,
} from "@tracegate/gitops";
import {
  CustomResourceDefinition,
  isAlreadyExists,
  type Kind,
  type KubeObject,
  Namespace,
  type ResourceClient,
} from "@tracegate/kube";
import { Rollout, crds as rolloutKinds, rolloutController } from "@tracegate/rollouts";
import { sqliteStore } from "@tracegate/store";
import pino from "pino";
import { bundledImages } from "./bundled-images.ts";
import { freePorts, type Ports, reservedNodePorts, usualPorts } from "./ports.ts";
import { scrapeTargetsController } from "./scrape-targets.ts";
import { type Pace, settlePace } from "./settings.ts";
import { claimStateDirectory, publishRunning, type StateDirectory } from "./state-directory.ts";
import { startWorker } from "./workers/start-worker.ts";
import type { MetricsWorkerData, TracesWorkerData } from "./workers/worker-messages.ts";

export interface PlatformOptions extends Partial<Pace> {
  readonly state: StateDirectory;
  readonly ports: "usual" | "free";
  /** Told in plain lines what has come up. */
  announce(line: string): void;
}

/** The embedded platform as it runs in this process. */
export interface Platform {
  readonly client: ResourceClient;
  /** By name, for people. */
  readonly urls: Readonly<Record<string, string>>;
  /** Ends everything: controllers, pods, workers, the API, the claim on the state directory. */
  stop(): Promise<void>;
}
