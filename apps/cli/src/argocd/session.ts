import type { Clock } from "@tracegate/contracts";
import type { GitRepositories } from "@tracegate/gitops";
import { formatTime, type ResourceClient } from "@tracegate/kube";
import { type CobraCommand, cobraCommand, type FlagSpecs } from "../cobra/command.ts";
import type { Io } from "../command.ts";
import type { ArgoConfig } from "./config.ts";

/** What a command works with. */
export interface Session {
  readonly client: ResourceClient;
  /** Where a browser would show things: `https://host:port`. */
  readonly server: string;
  readonly git: GitRepositories;
  readonly clock: Clock;
  readonly io: Io;
  /** The names of flags that were given. */
  readonly given: ReadonlySet<string>;
  /** The file that remembers contexts. */
  readonly config: ArgoConfig;
  /** A client with other credentials than the session's, to check them. */
  connectWith(token: string | undefined): { readonly client: ResourceClient; close(): void };
  /** Asks whoever sits at the terminal; undefined where nobody does. */
  ask(question: string): Promise<string | undefined>;
}

/** Declares a command of argocd. */
export const command = <const F extends FlagSpecs>(
  spec: Parameters<typeof cobraCommand<Session, F>>[0],
): CobraCommand<Session> => cobraCommand<Session, F>(spec);

/** A line of log, as the original writes it. */
export const logLine = (level: "info" | "error" | "fatal", msg: string, clock: Clock): string =>
  `${JSON.stringify({ level, msg, time: formatTime(clock.now()) })}\n`;

/** The namespace of the control plane, where Applications live unless told otherwise. */
export const controlPlane = "argocd";

export const appNamespace = { type: "string", short: "N", help: "namespace of the Application" } as const;
export const outputFlag = (formats: string) =>
  ({ type: "string", short: "o", help: `one of: ${formats}` }) as const;
