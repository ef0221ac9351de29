import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import { decodeJson, Payload } from "@tracegate/otlp";
import { createTraces } from "@tracegate/traces";
import type { Difference, RunRecordings } from "./difference.ts";
import { kindFolder, readJson, recordingsFolder } from "./files.ts";
import { existsSync, readdirSync } from "node:fs";

// Every answer is compared with Jaeger 1.62's. What is not fixed there is put in order here:
// - traces, spans, services, operations and dependencies;
// - process ids follow from the order of spans, so spans are compared with their process instead;
// - /api/v3 answers carry a content type, which Jaeger leaves out when it compresses.

interface Exchange {
  readonly request: string;
  readonly response: { readonly code: number; readonly contentType: string | null; readonly body: unknown };
}

/** A clock that stands still at the moment the recorded questions were asked; dependencies look back from it. */
const clock: Clock = { now: () => 1795210453087, after: () => new Promise(() => undefined) };

/** Asks a trace store that holds the recorded spans every recorded question. A result is named by its request. */
export const runJaeger: RunRecordings = async function* (folder, names) {
  const own = kindFolder(folder, "jaeger");
  const traces = createTraces({ clock, path: ":memory:" });
  const server = createServer(traces.handler);
  try {
    await Promise.all(
      spanLines(folder).map((line) => traces.ingest(Payload.fromModel("traces", decodeJson("traces", line)))),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server's address is one
    for (const file of readdirSync(own).filter((entry) => entry.endsWith(".json")).sort()) {
      for (const { request, response } of readJson<Exchange[]>(join(own, file))) {
        if (names.length > 0 && !names.some((name) => request.includes(name))) continue;
        yield { name: request, differences: await ask(`${base}${request}`, response) };
      }
    }
  } finally {
    server.close();
    await traces.close();
  }
};

/** The spans that the questions are about: beside the folder, in it, or the project's own. */
function spanLines(folder: string): string[] {
  const places = [folder, join(folder, ".."), recordingsFolder].map((place) => join(place, "hotrod", "spans.jsonl"));
  const path = [join(folder, "spans.jsonl"), ...places].find(existsSync) ?? "";
  return readFileSync(path, "utf8").trim().split("\n");
}

async function ask(url: string, recorded: Exchange["response"]): Promise<Difference[]> {
  const answer = await fetch(url);
  const differences: Difference[] = [];
  const compare = (what: string, expected: unknown, got: unknown) => {
    if (JSON.stringify(expected) === JSON.stringify(got)) return;
    differences.push({ what, expected: JSON.stringify(expected) ?? "", got: JSON.stringify(got) ?? "" });
  };
  compare("code", recorded.code, answer.status);
  if (recorded.contentType !== null) compare("content type", recorded.contentType, answer.headers.get("content-type"));
  const text = await answer.text();
  const place = firstDifference(normal(recorded.body), normal(parsed(text)), "body");
  if (place !== undefined) differences.push(place);
  return differences;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function firstDifference(expected: unknown, got: unknown, what: string): Difference | undefined {
  if (JSON.stringify(expected) === JSON.stringify(got)) return undefined;
  if (isContainer(expected) && isContainer(got) && Array.isArray(expected) === Array.isArray(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const inner = firstDifference(expected[key], got[key], `${what}.${key}`);
      if (inner !== undefined) return inner;
    }
  }
  return { what, expected: JSON.stringify(expected) ?? "nothing", got: JSON.stringify(got) ?? "nothing" };
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The same answer with everything unordered put in order. */
function normal(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(normal).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (!isContainer(value)) return value;
  const withProcesses = "processes" in value ? inlineProcesses(value) : value;
  const keys = Object.keys(withProcesses).sort();
  return Object.fromEntries(keys.map((key) => [key, normal(withProcesses[key])]));
}

function inlineProcesses(trace: Record<string, unknown>): Record<string, unknown> {
  const processes = trace["processes"] as Record<string, unknown>; // Jaeger's form of a trace
  const spans = trace["spans"] as Record<string, unknown>[];
  return {
    ...trace,
    spans: spans.map((span) => ({ ...span, processID: processes[String(span["processID"])] })),
    processes: Object.values(processes),
  };
}
