import {
  emptyObject,
  type FieldWriter,
  formatTime,
  type KubeObject,
  type ManagedFieldsEntry,
  serverSideApply,
  trackUpdate,
} from "@tracegate/kube";
import type { ApiContext, WriteRequest } from "./context.ts";
import { asJson, asObject } from "./object-rules.ts";
import { badRequest } from "./refusals.ts";
import { apiVersionOfResource, hasSubresource, type ServedKind } from "./served-kinds.ts";

/** Who is said to write when a request names nobody. */
const NOBODY = "unknown";

/** The written object with `metadata.managedFields` saying who owns what. `live` is absent for a create. */
export function withOwners(
  ctx: ApiContext,
  served: ServedKind,
  live: KubeObject | undefined,
  written: KubeObject,
  subresource: string,
  request: WriteRequest,
): KubeObject {
  if (served.type === undefined) return written;
  const before = live === undefined ? emptyOf(served) : asJson(live);
  const tracked = trackUpdate(
    served.type,
    before,
    asJson(written),
    writer(ctx, served, subresource, request),
  );
  const managedFields = subresource === "scale" ? withoutScaleTime(tracked) : tracked;
  const { managedFields: _, ...metadata } = written.metadata;
  return { ...written, metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) } };
}

/** As recorded, ownership through `scale` carries no time, and so stands before the other updates. */
function withoutScaleTime(entries: ManagedFieldsEntry[] | undefined): ManagedFieldsEntry[] | undefined {
  const timeless = entries?.map((entry) => {
    if (entry.subresource !== "scale") return entry;
    const { time: _, ...rest } = entry;
    return rest;
  });
  const rank = ({ operation, time }: ManagedFieldsEntry) =>
    operation === "Apply" ? 0 : time === undefined ? 1 : 2;
  return timeless?.sort((a, b) => rank(a) - rank(b));
}

/** The live object (or an empty one) with a configuration applied, owners included, before defaults. */
export function applied(
  ctx: ApiContext,
  served: ServedKind,
  live: KubeObject | undefined,
  configuration: KubeObject,
  subresource: string,
  request: WriteRequest & { force?: boolean },
): KubeObject {
  // What is no text counts as nothing.
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const [apiVersion, kind] = [text(configuration.apiVersion), text(configuration.kind)];
  if (kind !== served.kind || apiVersion !== apiVersionOfResource(served)) {
    const version = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
    throw badRequest(`invalid object type: ${version}, Kind=${kind}`);
  }
  if (served.type === undefined) return configuration;
  const before = live === undefined ? emptyOf(served) : asJson(live);
  const result = serverSideApply(served.type, before, asJson(configuration), {
    ...writer(ctx, served, subresource, request),
    force: request.force ?? false,
  });
  return asObject(result.object);
}

function emptyOf(served: ServedKind) {
  const apiVersion = apiVersionOfResource(served);
  if (served.type === undefined || served.custom !== undefined) {
    return { apiVersion, kind: served.kind, metadata: {} };
  }
  return emptyObject(served.type, apiVersion, served.kind);
}

function writer(
  ctx: ApiContext,
  served: ServedKind,
  subresource: string,
  request: WriteRequest,
): FieldWriter {
  return {
    manager: request.fieldManager || NOBODY,
    apiVersion: apiVersionOfResource(served),
    subresource,
    time: formatTime(ctx.clock.now()),
    ignored: ignoredPaths(served, subresource),
  };
}

/** What an endpoint drops, and so cannot own: status through the main resource, the rest through `/status`. */
function ignoredPaths(served: ServedKind, subresource: string): string[][] {
  if (!hasSubresource(served, "status")) return [];
  if (subresource !== "status") return [["status"]];
  if (served.custom !== undefined) return [["spec"]];
  return served.kind === "Deployment" ? [["spec"], ["metadata", "labels"]] : [["spec"]];
}
