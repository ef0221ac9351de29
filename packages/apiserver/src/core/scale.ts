import {
  formatLabelSelector,
  invalid as invalidField,
  type KubeObject,
  type LabelSelector,
  StatusError,
} from "@tracegate/kube";
import { badRequest, invalid } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** `Scale` of autoscaling/v1: how many replicas are wanted and there, whatever the kind. */
export interface Scale extends KubeObject {
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}

interface ScalePaths {
  readonly wanted: readonly string[];
  readonly current: readonly string[];
  readonly selector?: readonly string[];
}

export function scaleOf(served: ServedKind, object: KubeObject): Scale {
  const paths = pathsOf(served);
  const wanted = at(object, paths.wanted);
  if (wanted === undefined && served.custom !== undefined) {
    const path = `.${paths.wanted.join(".")}`;
    throw new StatusError({
      message: `the spec replicas field "${path}" does not exist`,
      reason: "InternalError",
      code: 500,
    });
  }
  const selector = selectorText(served, object, paths);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: typeof wanted === "number" && wanted !== 0 ? { replicas: wanted } : {},
    status: { replicas: numberAt(object, paths.current), ...(selector === "" ? {} : { selector }) },
  };
}

/** The object with the replicas that a written Scale asks for. */
export function withScale(served: ServedKind, object: KubeObject, scale: KubeObject): KubeObject {
  if (scale.kind !== "Scale") throw badRequest(`${scale.kind} cannot be handled as a Scale`);
  const replicas = (scale as Partial<Scale>).spec?.replicas ?? 0;
  // Custom kinds have their own limits.
  if (replicas < 0 && served.custom === undefined) {
    throw invalid({ group: "autoscaling", kind: "Scale" }, object.metadata.name, [
      invalidField("spec.replicas", replicas, "must be greater than or equal to 0"),
    ]);
  }
  const { name, uid, resourceVersion } = scale.metadata;
  if ((name ?? "") === "") {
    throw badRequest(
      `the name of the object (${object.metadata.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (name !== object.metadata.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${object.metadata.name})`,
    );
  }
  const next = setAt(object, pathsOf(served).wanted, replicas);
  return {
    ...next,
    metadata: {
      ...object.metadata,
      ...(uid === undefined ? {} : { uid }),
      resourceVersion: resourceVersion ?? "",
    },
  };
}

/** Where the object keeps how many replicas are wanted. */
export const wantedPath = (served: ServedKind): readonly string[] => pathsOf(served).wanted;

function pathsOf(served: ServedKind): ScalePaths {
  const scale = served.custom?.version.subresources?.scale;
  if (scale === undefined) return { wanted: ["spec", "replicas"], current: ["status", "replicas"] };
  return {
    wanted: split(scale.specReplicasPath),
    current: split(scale.statusReplicasPath),
    ...(scale.labelSelectorPath === undefined ? {} : { selector: split(scale.labelSelectorPath) }),
  };
}

const split = (path: string): string[] => path.split(".").filter((part) => part !== "");

function selectorText(served: ServedKind, object: KubeObject, { selector }: ScalePaths): string {
  if (selector !== undefined) {
    const text = at(object, selector);
    return typeof text === "string" ? text : "";
  }
  if (served.custom !== undefined) return "";
  const own = at(object, ["spec", "selector"]);
  if (own === undefined) return "";
  // Checked by the kind's validation when it was stored; that of a ReplicationController is a bare map.
  const isMap = served.kind === "ReplicationController";
  return formatLabelSelector((isMap ? { matchLabels: own } : own) as LabelSelector);
}

function at(object: object, path: readonly string[]): unknown {
  let value: unknown = object;
  for (const part of path) {
    value =
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value;
}

function numberAt(object: object, path: readonly string[]): number {
  const value = at(object, path);
  return typeof value === "number" ? value : 0;
}

function setAt<T extends object>(object: T, path: readonly string[], value: unknown): T {
  const [first, ...rest] = path;
  if (first === undefined) return object;
  const child = (object as Record<string, unknown>)[first];
  const next =
    rest.length === 0 ? value : setAt(typeof child === "object" && child !== null ? child : {}, rest, value);
  return { ...object, [first]: next };
}
