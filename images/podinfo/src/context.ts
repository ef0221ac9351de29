import type { IncomingMessage } from "node:http";
import type { Answer } from "./answer.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What the probes say; `/readyz/disable` and the end of the process change it. */
export interface Health {
  healthy: boolean;
  ready: boolean;
}

/** What a route's answer is made from. */
export interface Context {
  readonly settings: Settings;
  readonly version: string;
  readonly hostname: string;
  readonly env: NodeJS.ProcessEnv;
  readonly health: Health;
  readonly request: IncomingMessage;
  /** What the path holds in place of `{…}`; empty where it holds nothing. */
  readonly parameter: string;
  readonly nowSeconds: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
  readonly exit: (code: number) => void;
  readonly metrics: () => Promise<Answer>;
}
