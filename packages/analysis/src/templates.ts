import type {
  AnalysisRunSpec,
  AnalysisTemplate,
  AnalysisTemplateSpec,
  Argument,
  MeasurementRetention,
  Metric,
} from "./types.ts";

/** Templates made one, or why they cannot be. */
export type Merged =
  | { readonly spec: Required<Pick<AnalysisRunSpec, "metrics" | "args" | "dryRun" | "measurementRetention">> }
  | { readonly error: string };

interface Caller {
  readonly args?: readonly Argument[];
  readonly dryRun?: readonly { metricName: string }[];
  readonly measurementRetention?: readonly MeasurementRetention[];
}

/**
 * Concatenates templates (namespaced first, then cluster-wide, each once) and fills their arguments from the caller's.
 * A run gets a copy: later edits of a template do not reach it.
 */
export function mergeTemplates(templates: readonly AnalysisTemplate[], caller: Caller): Merged {
  const specs = templates.map(({ spec }) => spec);
  const metrics = specs.flatMap((spec) => spec.metrics ?? []);
  const twice = firstRepeated(metrics.map(({ name }) => name));
  if (twice !== undefined) return { error: `two metrics have the same name '${twice}'` };
  const merged = mergeArgs(specs);
  if ("error" in merged) return merged;
  const args = fillArgs(merged.args, caller.args ?? []);
  if ("error" in args) return args;
  const dryRun = [...(caller.dryRun ?? []), ...specs.flatMap((spec) => spec.dryRun ?? [])];
  const dry = firstRepeated(dryRun.map(({ metricName }) => metricName));
  if (dry !== undefined) return { error: `two Dry-Run metric rules have the same name '${dry}'` };
  const measurementRetention = [
    ...(caller.measurementRetention ?? []),
    ...specs.flatMap((spec) => spec.measurementRetention ?? []),
  ];
  const kept = firstRepeated(measurementRetention.map(({ metricName }) => metricName));
  if (kept !== undefined)
    return { error: `two Measurement Retention metric rules have the same name '${kept}'` };
  return { spec: { metrics: structuredClone(metrics), args: args.args, dryRun, measurementRetention } };
}

const firstRepeated = (names: readonly string[]): string | undefined =>
  names.find((name, i) => names.indexOf(name) !== i);

/** Arguments of several templates by name; equal values agree, different ones do not. */
function mergeArgs(specs: readonly AnalysisTemplateSpec[]): { args: Argument[] } | { error: string } {
  const args: Argument[] = [];
  for (const arg of specs.flatMap((spec) => spec.args ?? [])) {
    const at = args.findIndex(({ name }) => name === arg.name);
    const earlier = args[at];
    if (earlier === undefined) args.push(arg);
    else if (earlier.value === undefined) args[at] = arg;
    else if (arg.value !== undefined && arg.value !== earlier.value)
      return {
        error: `Argument \`${arg.name}\` specified multiple times with different values: '${earlier.value}', '${arg.value}'`,
      };
  }
  return { args };
}

/** The templates' arguments with the caller's values; only declared names survive, and each must have a value. */
export function fillArgs(
  declared: readonly Argument[],
  given: readonly Argument[],
): { readonly args: Argument[] } | { readonly error: string } {
  const args: Argument[] = [];
  for (const arg of declared) {
    const from = given.find(({ name }) => name === arg.name);
    const filled: Argument = { ...arg };
    if (from?.value !== undefined) filled.value = from.value;
    else if (from?.valueFrom !== undefined) filled.valueFrom = from.valueFrom;
    if (filled.value === undefined && filled.valueFrom === undefined)
      return { error: `args.${arg.name} was not resolved` };
    args.push(filled);
  }
  return { args };
}

/** Every metric with its `{{args.NAME}}` replaced. */
export function substituteArgs<T extends Metric | readonly Metric[]>(
  target: T,
  args: readonly Argument[],
): { readonly resolved: T } | { readonly error: string } {
  const values = new Map<string, string>();
  for (const arg of args) {
    if (arg.value === undefined) return { error: `argument "${arg.name}" was not supplied` };
    values.set(`args.${arg.name}`, arg.value);
  }
  let error: string | undefined;
  const fill = (text: string): string =>
    text.replace(/\{\{(.*?)\}\}/gs, (_, tag: string) => {
      const value = values.get(tag.trim());
      if (value === undefined) error ??= `failed to resolve {{${tag}}}`;
      return value ?? "";
    });
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return fill(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [fill(key), walk(item)]));
    return value;
  };
  const resolved = walk(target) as T; // same shape: only texts differ
  return error === undefined ? { resolved } : { error };
}

/**
 * A field of an object by its path. Of its metadata, what pods can be told of it: `metadata.name`, `metadata.labels['app']`
 * ("" where it is absent); else by names and indices: `spec.replicas`, `status.conditions[0].type`.
 */
export function fieldPathValue(
  object: object,
  path: string,
): { readonly value: string } | { readonly error: string } {
  return path.startsWith("metadata") ? metadataValue(object, path) : plainValue(object, path);
}

type Found = { readonly value: string } | { readonly error: string };

function metadataValue(object: object, path: string): Found {
  const { metadata = {} } = object as { metadata?: Readonly<Record<string, unknown>> }; // looked at with care below
  const [, map = "", key] = /^metadata\.(labels|annotations)(?:\['(.*)'\])?$/.exec(path) ?? [];
  if (map !== "") {
    const texts = Object.entries(metadata[map] ?? {});
    if (key !== undefined) return { value: String(texts.find(([name]) => name === key)?.[1] ?? "") };
    const lines = texts.map(([name, text]) => `${name}=${JSON.stringify(text)}`);
    return { value: lines.sort().join("\n") };
  }
  const field = /^metadata\.(name|namespace|uid)$/.exec(path)?.[1];
  return field === undefined
    ? { error: `unsupported fieldPath: ${path}` }
    : { value: String(metadata[field] ?? "") };
}

function plainValue(object: object, path: string): Found {
  const invalid = { error: `invalid path ${path} in rollout` };
  let at: unknown = object;
  for (const section of path.split(/[.[\]]+/).filter((part) => part !== "")) {
    if (Array.isArray(at)) {
      if (!/^\d+$/.test(section)) return { error: `invalid index '${section}'` };
      if (Number(section) >= at.length) return { error: `index ${section} out of range` };
      at = at[Number(section)];
    } else if (typeof at === "object" && at !== null)
      at = Object.entries(at).find(([key]) => key === section)?.[1];
    else return invalid;
  }
  if (at === undefined || at === null) return invalid;
  if (typeof at === "object") return { error: `path ${path} in rollout must terminate in a primitive value` };
  return { value: String(at) };
}
