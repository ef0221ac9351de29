import type { AnyValue, Attributes, LogRecord, Resource, Scope, Span } from "@tracegate/otlp";
import { attribute, attributeText, SPAN_KINDS, valueText } from "@tracegate/otlp";
import type { Config } from "../config/fields.ts";
import { anything, list, struct, text, unsupported } from "../config/fields.ts";

/** `include` and `exclude`: which items a processor touches. Lists are OR-ed inside, AND-ed with each other. */
export const matchSettings = struct({
  match_type: text(""),
  regexp: unsupported,
  services: list(text()),
  span_names: list(text()),
  span_kinds: list(text()),
  log_bodies: list(text()),
  log_severity_texts: list(text()),
  log_severity_number: unsupported,
  metric_names: unsupported,
  attributes: list(struct({ key: text(""), value: anything })),
  resources: list(struct({ key: text(""), value: anything })),
  libraries: list(struct({ name: text(""), version: text("") })),
});

export type MatchSettings = Config<typeof matchSettings>;

/** A span or log record with what it was sent under. */
export interface Candidate {
  readonly resource: Resource;
  readonly scope: Scope;
  readonly span?: Span;
  readonly record?: LogRecord;
}

export type Match = (candidate: Candidate) => boolean;

/** Throws, in the Collector's words, on settings that match nothing or everything. */
export function compileMatch(settings: MatchSettings): Match {
  if (settings.match_type !== "strict" && settings.match_type !== "regexp") {
    throw new Error(
      `error creating processor. match_type ${JSON.stringify(settings.match_type)} must be one of: [regexp strict]`,
    );
  }
  const compile = settings.match_type === "regexp" ? anyPattern : anyOf;
  const tests: Match[] = [];
  const add = (wanted: readonly string[], read: (candidate: Candidate) => string | undefined) => {
    if (wanted.length === 0) return;
    const matches = compile(wanted);
    tests.push((candidate) => {
      const value = read(candidate);
      return value !== undefined && matches(value);
    });
  };
  add(settings.services, (c) => attributeText(c.resource.attributes, "service.name"));
  add(settings.span_names, (c) => c.span?.name);
  add(settings.span_kinds, (c) => c.span && `SPAN_KIND_${SPAN_KINDS[c.span.kind] ?? "UNSPECIFIED"}`);
  add(settings.log_bodies, (c) => c.record?.body.stringValue);
  add(settings.log_severity_texts, (c) => c.record?.severityText);
  tests.push(...settings.attributes.map((wanted) => attributeTest(wanted, compile, attributesOf)));
  tests.push(
    ...settings.resources.map((wanted) => attributeTest(wanted, compile, (c) => c.resource.attributes)),
  );
  if (settings.libraries.length > 0) tests.push(libraryTest(settings.libraries, compile));
  if (tests.length === 0) {
    throw new Error(
      'error creating processor. At least one of "services", "span_names", "span_kinds", "log_bodies", "log_severity_texts", "attributes", "resources" or "libraries" must be specified',
    );
  }
  return (candidate) => tests.every((test) => test(candidate));
}

function attributesOf({ span, record }: Candidate): Attributes {
  return span?.attributes ?? record?.attributes ?? [];
}

type Compile = (wanted: readonly string[]) => (value: string) => boolean;

function attributeTest(
  { key, value }: { readonly key: string; readonly value: unknown },
  compile: Compile,
  read: (candidate: Candidate) => Attributes,
): Match {
  if (key === "") throw new Error("error creating processor. Can't have empty key in the list of attributes");
  // Without a value the attribute only has to be there.
  const matches = value === undefined || value === null ? () => true : compile([String(value)]);
  return (candidate) => {
    const found: AnyValue | undefined = attribute(read(candidate), key);
    return found !== undefined && matches(valueText(found));
  };
}

function libraryTest(libraries: MatchSettings["libraries"], compile: Compile): Match {
  const tests = libraries.map(({ name, version }) => {
    const named = compile([name]);
    const versioned = version === "" ? () => true : compile([version]);
    return (scope: Scope) => named(scope.name) && versioned(scope.version);
  });
  return ({ scope }) => tests.some((test) => test(scope));
}

function anyOf(wanted: readonly string[]): (value: string) => boolean {
  const set = new Set(wanted);
  return (value) => set.has(value);
}

function anyPattern(wanted: readonly string[]): (value: string) => boolean {
  const patterns = wanted.map((pattern) => new RegExp(pattern));
  return (value) => patterns.some((pattern) => pattern.test(value));
}
