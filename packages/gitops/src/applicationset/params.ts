import { isObject } from "@tracegate/kube";
import type { ApplicationSetSpec } from "../types/application-set.ts";
import { fillFastTemplate } from "./fast-template.ts";
import { fillGoTemplate } from "./go-template.ts";

/** One set of parameters: flat text for plain templates, nested values for Go templates. */
export type Params = Readonly<Record<string, unknown>>;

/** Why parameters could not be generated, as the condition says it. */
export class GeneratorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GeneratorError";
  }
}

/** A value's leaves by their dotted paths, as text. */
export function flatten(value: unknown, name = ""): Record<string, string> {
  if (isObject(value) || Array.isArray(value)) {
    return Object.assign(
      {},
      ...Object.entries(value).map(([key, child]) => flatten(child, name === "" ? key : `${name}.${key}`)),
    );
  }
  return name === "" ? {} : { [name]: value === null ? "" : String(value) };
}

/** Adds a generator's `values`, which may use its other parameters. */
export function withValues(
  params: Record<string, unknown>,
  values: Record<string, string> | undefined,
  spec: ApplicationSetSpec,
): Params {
  if (values === undefined) return params;
  const filled = Object.fromEntries(
    Object.entries(values).map(([name, template]) => [name, fill(template, params, spec)]),
  );
  if (spec.goTemplate === true) return { ...params, values: filled };
  return {
    ...params,
    ...Object.fromEntries(Object.entries(filled).map(([name, value]) => [`values.${name}`, value])),
  };
}

/** Fills a text in, in the template language that the ApplicationSet asks for. */
export function fill(
  template: string,
  params: Params,
  { goTemplate, goTemplateOptions = [] }: ApplicationSetSpec,
): string {
  if (goTemplate === true) {
    const missingKey = goTemplateOptions.includes("missingkey=error") ? "error" : "default";
    return fillGoTemplate(template, params, { missingKey });
  }
  const flat = Object.fromEntries(
    Object.entries(params).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  return fillFastTemplate(template, flat);
}

/** Fills in every text of a value, keys too. */
export function fillAll(value: unknown, params: Params, spec: ApplicationSetSpec): unknown {
  if (typeof value === "string") return fill(value, params, spec);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, params, spec));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [fill(key, params, spec), fillAll(child, params, spec)]),
  );
}
