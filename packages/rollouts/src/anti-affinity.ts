import type { PodTemplateSpec } from "@tracegate/kube";
import { isObject } from "@tracegate/kube";
import { podTemplateHash } from "./pod-template-hash.ts";
import { hashLabel, type Rollout } from "./types.ts";

type Fields = Readonly<Record<string, unknown>>;
type Affinity = Record<string, unknown>;

const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
const required = "requiredDuringSchedulingIgnoredDuringExecution";

function antiAffinityOf({ spec }: Rollout): { readonly kind: string; readonly weight: unknown } | undefined {
  const asked = spec.strategy?.canary?.antiAffinity ?? spec.strategy?.blueGreen?.antiAffinity;
  if (asked?.[preferred] !== undefined)
    return { kind: preferred, weight: isObject(asked[preferred]) ? asked[preferred]["weight"] : undefined };
  return asked?.[required] === undefined ? undefined : { kind: required, weight: undefined };
}

/** The affinity of a new version's pods: away from those of the stable one, where the Rollout asks for that. */
export function templateAffinity(rollout: Rollout): Affinity | undefined {
  const { template, strategy } = rollout.spec;
  const own = (template?.spec as { affinity?: Affinity } | undefined)?.affinity; // as the manifest has it
  const asked = strategy === undefined ? undefined : antiAffinityOf(rollout);
  const stable = rollout.status?.stableRS ?? "";
  if (asked === undefined || template === undefined || stable === "") return own;
  if (stable === podTemplateHash(template, rollout.status?.collisionCount)) return own;
  const rule = {
    labelSelector: { matchExpressions: [{ key: hashLabel, operator: "In", values: [stable] }] },
    namespaces: [rollout.metadata.namespace ?? "default"],
    topologyKey: "kubernetes.io/hostname",
  };
  const term = asked.kind === preferred ? { weight: asked.weight, podAffinityTerm: rule } : rule;
  const anti = { ...fieldsOf(own?.["podAntiAffinity"]) };
  return { ...own, podAntiAffinity: { ...anti, [asked.kind]: [...listOf(anti[asked.kind]), term] } };
}

/** A template as it was before `templateAffinity` added to it. */
export function withoutInjectedAffinity(template: PodTemplateSpec): PodTemplateSpec {
  const { affinity, ...spec } = template.spec as typeof template.spec & { affinity?: Affinity }; // as the API has it
  if (affinity === undefined) return template;
  const anti = fieldsOf(affinity["podAntiAffinity"]);
  const kept = Object.fromEntries(
    Object.entries(anti)
      .map(([kind, terms]) => [kind, listOf(terms).filter((term) => !isInjected(term))] as const)
      .filter(([, terms]) => terms.length > 0),
  );
  const { podAntiAffinity: _, ...others } = affinity;
  const rest = Object.keys(kept).length > 0 ? { ...others, podAntiAffinity: kept } : others;
  return { ...template, spec: { ...spec, ...(Object.keys(rest).length > 0 ? { affinity: rest } : {}) } };
}

/** The hash that pods of a template are kept away from; undefined where there is no such term. */
export function injectedHash(template: PodTemplateSpec): unknown {
  const anti = fieldsOf(fieldsOf((template.spec as { affinity?: Affinity }).affinity)["podAntiAffinity"]); // as the API has it
  return Object.values(anti)
    .flatMap(listOf)
    .flatMap(expressionsOf)
    .flatMap(({ key, values }) => (key === hashLabel ? listOf(values) : []))[0];
}

const isInjected = (term: unknown): boolean => expressionsOf(term).some(({ key }) => key === hashLabel);

/** Of a term, with or without a weight. */
function expressionsOf(term: unknown): Fields[] {
  const rule = fieldsOf(fieldsOf(term)["podAffinityTerm"] ?? term);
  return listOf(fieldsOf(rule["labelSelector"])["matchExpressions"]).map(fieldsOf);
}

const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
