import type { Payload, Resource } from "@tracegate/otlp";
import { Payload as Payloads } from "@tracegate/otlp";
import type { ProcessorFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { struct } from "../config/fields.ts";
import { isSignal } from "../payload-signal.ts";
import { actionProblems, actions, compileActions } from "./attribute-actions.ts";

const resourceConfig = struct({ attributes: actions });

/** Edits resource attributes. */
export const resourceProcessor: ProcessorFactory<Config<typeof resourceConfig>> = {
  type: "resource",
  config: resourceConfig,
  signals: ["traces", "metrics", "logs"],
  validate: ({ attributes }) =>
    attributes.length === 0 ? ['missing required field "attributes"'] : actionProblems(attributes),
  create({ attributes }, _context, next) {
    const edit = compileActions(attributes);
    const edited = (resource: Resource): Resource => ({ ...resource, attributes: edit(resource.attributes) });
    return { consume: (payload) => next.consume(withResources(payload, edited)) };
  },
};

function withResources(payload: Payload, edited: (resource: Resource) => Resource): Payload {
  if (isSignal(payload, "traces")) {
    const resourceSpans = payload.model().resourceSpans.map((r) => ({ ...r, resource: edited(r.resource) }));
    return Payloads.fromModel("traces", { resourceSpans });
  }
  if (isSignal(payload, "metrics")) {
    const resourceMetrics = payload
      .model()
      .resourceMetrics.map((r) => ({ ...r, resource: edited(r.resource) }));
    return Payloads.fromModel("metrics", { resourceMetrics });
  }
  if (!isSignal(payload, "logs")) return payload;
  const resourceLogs = payload.model().resourceLogs.map((r) => ({ ...r, resource: edited(r.resource) }));
  return Payloads.fromModel("logs", { resourceLogs });
}
