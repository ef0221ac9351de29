import type { Clock } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import { type CobraCommand, cobraCommand, type FlagSpecs } from "../cobra/command.ts";
import type { Io } from "../command.ts";

/** What a command of the plugin works with. */
export interface Plugin {
  readonly client: ResourceClient;
  /** Of -n, else of the kubeconfig's context. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly io: Io;
}

/** Declares a command of the plugin. */
export const command = <const F extends FlagSpecs>(
  spec: Parameters<typeof cobraCommand<Plugin, F>>[0],
): CobraCommand<Plugin> => cobraCommand<Plugin, F>(spec);

/** A refusal in the plugin's own words: `Error: …`, exit code 1. */
export class PluginError extends Error {}

/** How often a watching command looks. */
export const lookEveryMs = 200;
