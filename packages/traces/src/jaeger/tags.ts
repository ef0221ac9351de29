import type { AnyValue, Attributes } from "@tracegate/otlp";
import { SPAN_KINDS, STATUS_CODES, valueText } from "@tracegate/otlp";
import type { StoredSpan } from "../trace.ts";

/** A tag or log field as Jaeger's JSON has it. */
export interface Tag {
  readonly key: string;
  readonly type: "string" | "bool" | "int64" | "float64" | "binary";
  readonly value: string | boolean | number;
}

/** A span's attributes, and what OTLP keeps elsewhere, as tags sorted by key. */
export function spanTags({ span, scope }: StoredSpan): Tag[] {
  const tags = attributeTags(span.attributes);
  tags.push(text("internal.span.format", "otlp"));
  if (scope.name !== "") tags.push(text("otel.scope.name", scope.name));
  if (scope.version !== "") tags.push(text("otel.scope.version", scope.version));
  const kind = SPAN_KINDS[span.kind];
  if (kind !== undefined && span.kind !== 0) tags.push(text("span.kind", kind.toLowerCase()));
  const status = STATUS_CODES[span.status.code];
  if (status === "ERROR") tags.push({ key: "error", type: "bool", value: true });
  if (status === "ERROR" || status === "OK") tags.push(text("otel.status_code", status));
  if (span.status.message !== "") tags.push(text("otel.status_description", span.status.message));
  if (span.traceState !== "") tags.push(text("w3c.tracestate", span.traceState));
  return sorted(tags);
}

/** The resource without its service name. */
export function processTags({ resource }: StoredSpan): Tag[] {
  return sorted(attributeTags(resource.attributes.filter((a) => a.key !== "service.name")));
}

export function attributeTags(attributes: Attributes): Tag[] {
  return attributes.map(({ key, value }) => ({ key, ...typed(value) }));
}

export function sorted(tags: readonly Tag[]): Tag[] {
  return tags.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Tags that are made of something else than an attribute of that name. */
export const DERIVED_TAGS =
  /^(error|event|internal\.span\.format|otel\..*|span\..*|scope\..*|resource\..*|w3c\..*)$/;

/** Every tag asked for, compared as text, among the span's tags, its process' and its logs' fields. */
export function hasTags(stored: StoredSpan, wanted: Readonly<Record<string, string>>): boolean {
  const present = new Set<string>();
  const events = stored.span.events.flatMap((e) => [text("event", e.name), ...attributeTags(e.attributes)]);
  const links = stored.span.links.flatMap((l) => attributeTags(l.attributes));
  for (const tag of [...spanTags(stored), ...processTags(stored), ...events, ...links]) {
    present.add(`${tag.key}\u0000${String(tag.value)}`);
  }
  for (const tag of processTags(stored)) present.add(`resource.${tag.key}\u0000${String(tag.value)}`);
  if (stored.span.status.code !== 2) present.add("error\u0000false");
  present.add(`span.status\u0000${(STATUS_CODES[stored.span.status.code] ?? "UNSET").toLowerCase()}`);
  present.add(`scope.name\u0000${stored.scope.name}`);
  present.add(`scope.version\u0000${stored.scope.version}`);
  return Object.entries(wanted).every(([key, value]) => present.has(`${key}\u0000${value}`));
}

function text(key: string, value: string): Tag {
  return { key, type: "string", value };
}

function typed(value: AnyValue): Omit<Tag, "key"> {
  if (value.boolValue !== undefined) return { type: "bool", value: value.boolValue };
  if (value.intValue !== undefined) {
    const n = Number(value.intValue);
    // JSON readers lose digits past 2^53, so those go as text.
    return { type: "int64", value: Number.isSafeInteger(n) ? n : String(value.intValue) };
  }
  if (value.doubleValue !== undefined) {
    const n = value.doubleValue;
    return { type: "float64", value: Number.isFinite(n) ? n : String(n) };
  }
  if (value.bytesValue !== undefined) return { type: "binary", value: valueText(value) };
  return { type: "string", value: valueText(value) };
}
