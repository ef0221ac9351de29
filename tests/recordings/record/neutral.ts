import type { KubeObject } from "@tracegate/kube";

type Json = Record<string, unknown>;

const hashLabel = "rollouts-pod-template-hash";

/** Replaces what differs from run to run: identities by `uid`, pod template hashes by numbered names, addresses by `replacements`. */
export function neutralizer(replacements: Readonly<Record<string, string>>) {
  const names = new Map(Object.entries(replacements));
  let hashes = 0;
  return {
    /** Learns what an object brings: to be told of every one, in the order of their appearance. */
    learn({ kind, metadata }: KubeObject): void {
      const hash = kind === "ReplicaSet" ? metadata.labels?.[hashLabel] : undefined;
      if (hash !== undefined && !names.has(hash)) names.set(hash, `hash${++hashes}`);
      if (metadata.uid !== undefined && kind === "AnalysisRun") names.set(metadata.uid, "uid");
    },
    text: (text: string): string => [...names].reduce((all, [real, name]) => all.replaceAll(real, name), text),
  };
}

/** API times in the form that recordings have. */
export const sinceStart = (text: string, start: number): string =>
  text.replace(
    /(?<=\\?")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?=\\?")/g,
    (time) => `t+${Math.round((Date.parse(time) - start) / 1000)}s`,
  );

/** An object as recordings show it: without what the API server adds. */
export function shown(object: KubeObject & Json): Json {
  const { name, generation, labels, annotations, ownerReferences } = object.metadata;
  const metadata = without({
    name,
    generation,
    labels,
    annotations,
    ownerReferences: ownerReferences?.map((owner) => `${owner.kind}/${owner.name}`),
  });
  const spec = (object["spec"] ?? {}) as Json; // every recorded kind has one
  const status = object["status"] as Json | undefined;
  switch (object.kind) {
    case "Rollout":
      return without({ kind: object.kind, metadata, status: status ?? {} });
    case "ReplicaSet":
      return { kind: object.kind, metadata, spec: replicaSetSpec(spec), status: countsOf(status ?? {}) };
    case "Service":
      return {
        kind: object.kind,
        metadata,
        spec: without({ selector: spec["selector"] }),
        status: status ?? {},
      };
    default:
      return { kind: object.kind, metadata, spec, status: status ?? {} };
  }
}

function replicaSetSpec(spec: Json): Json {
  const { replicas, template } = spec as {
    replicas?: number;
    template?: { metadata?: { labels?: Json }; spec?: { containers?: { image?: string }[] } };
  };
  return without({
    replicas: replicas ?? 1,
    image: template?.spec?.containers?.[0]?.image,
    templateLabels: template?.metadata?.labels,
  });
}

const countsOf = ({ replicas, readyReplicas, availableReplicas }: Json): Json =>
  without({ replicas, readyReplicas, availableReplicas });

/** Without what is absent or holds nothing. */
function without(fields: Json): Json {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== undefined && !(typeof value === "object" && value !== null && Object.keys(value).length === 0),
    ),
  );
}
