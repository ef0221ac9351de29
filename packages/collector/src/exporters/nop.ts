import type { ExporterFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { struct } from "../config/fields.ts";

const nopConfig = struct({});

/** Takes everything and does nothing with it. */
export const nopExporter: ExporterFactory<Config<typeof nopConfig>> = {
  type: "nop",
  config: nopConfig,
  signals: ["traces", "metrics", "logs"],
  create: () => ({ consume: async () => undefined }),
};
