import type { ConnectorFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { struct } from "../config/fields.ts";

const forwardConfig = struct({});

/** Joins pipelines of one signal. */
export const forwardConnector: ConnectorFactory<Config<typeof forwardConfig>> = {
  type: "forward",
  config: forwardConfig,
  pairs: [
    ["traces", "traces"],
    ["metrics", "metrics"],
    ["logs", "logs"],
  ],
  create: (_config, _context, next) => ({ consume: (payload) => next.consume(payload) }),
};
