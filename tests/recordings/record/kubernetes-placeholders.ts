import { isObject } from "@tracegate/kube";
import type { RecordedRequest } from "@tracegate/kube/testing";

/** An answer with placeholders for what differs from run to run. What the request itself said stays as it is. */
export function neutral(body: unknown, request: RecordedRequest["request"]): unknown {
  const said = JSON.stringify(request);
  const neutralBody = isObject(body) && body["kind"] === "Table" ? neutralTable(body, said) : neutralValue(body, said);
  return withoutNames(neutralBody, generatedNames(body, said));
}

/** Names that the server made up, with what stands for them: labels and cells repeat them. */
function generatedNames(value: unknown, said: string): [name: string, placeholder: string][] {
  if (Array.isArray(value)) return value.flatMap((item) => generatedNames(item, said));
  if (!isObject(value)) return [];
  const { generateName: prefix, name } = value;
  const below = Object.values(value).flatMap((member) => generatedNames(member, said));
  if (typeof prefix !== "string" || typeof name !== "string") return below;
  return said.includes(`"name":"${name}"`) ? below : [[name, `${name.slice(0, -5)}XXXXX`], ...below];
}

function withoutNames(value: unknown, names: readonly [name: string, placeholder: string][]): unknown {
  if (names.length === 0) return value;
  if (typeof value === "string") return names.reduce((text, [name, placeholder]) => text.replaceAll(name, placeholder), value);
  if (Array.isArray(value)) return value.map((item) => withoutNames(item, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutNames(member, names)]));
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z(?!\d)/g;
const CLUSTER_IP = /\b10\.96\.\d+\.\d+\b(?!\/)/g;

/** Texts under these keys, whatever they are. */
const BY_KEY: Readonly<Record<string, string>> = {
  continue: "CONTINUE",
  gitCommit: "BUILD",
  buildDate: "BUILD",
  goVersion: "BUILD",
  serverAddress: "SERVER",
};

function neutralValue(value: unknown, said: string): unknown {
  if (typeof value === "string") return neutralText(value, said);
  if (Array.isArray(value)) return value.map((item) => neutralValue(item, said));
  if (!isObject(value)) return value;
  if (value["kind"] === "Table") return neutralTable(value, said);
  const prefix = value["generateName"];
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (typeof member !== "string" || member === "") return [key, neutralValue(member, said)];
      if (Object.hasOwn(BY_KEY, key)) return [key, BY_KEY[key]];
      if (key === "resourceVersion" && /^\d+$/.test(member)) return [key, "RV"];
      if (key === "name" && typeof prefix === "string" && !said.includes(`"name":"${member}"`)) {
        return [key, `${member.slice(0, -5)}XXXXX`];
      }
      return [key, neutralText(member, said)];
    }),
  );
}

function neutralText(text: string, said: string): string {
  const unless = (placeholder: string) => (found: string) => (said.includes(found) ? found : placeholder);
  return text
    .replace(UID, unless("UID"))
    .replace(TIME, unless("TIME"))
    .replace(CLUSTER_IP, unless("CLUSTERIP"))
    .replace(/(Too large resource version: |, current: )\d+/g, "$1N")
    .replace(/(does not match the ResourceVersion in record )\(\d+\)/g, "$1(N)")
    .replace(/(resourceVersion: ")\d+"/g, '$1RV"')
    .replace(/(\n  continue: )\S+/g, "$1CONTINUE")
    .replace(/(serverAddress: )\S+/g, "$1SERVER")
    .replace(/(too old resource version: )\d+ \(\d+\)/g, "$1N (N)");
}

const DURATION_COLUMNS = /^(Age|Last Seen|First Seen|Last Schedule|Duration)$/;

function neutralTable(table: Record<string, unknown>, said: string): unknown {
  const { columnDefinitions, rows, ...rest } = table as { columnDefinitions?: { name: string; type: string }[] | null; rows?: { cells: unknown[] }[] | null };
  const isAge = (column: number) => {
    // Later events of a watch do not repeat the columns.
    if (!columnDefinitions) return true;
    const { name = "", type = "" } = columnDefinitions?.[column] ?? {};
    return DURATION_COLUMNS.test(name) || type === "date";
  };
  return {
    ...(neutralValue({ ...rest, kind: "" }, said) as object),
    kind: "Table",
    columnDefinitions: columnDefinitions?.map(({ ...column }) => withoutDescription(column)) ?? null,
    rows: rows === null ? null : rows?.map(({ cells, ...row }) => ({
      cells: cells.map((cell, column) =>
        typeof cell === "string" && isAge(column) && /^(\d+[smhdy])+$/.test(cell) ? "AGE" : neutralValue(cell, said),
      ),
      ...(neutralValue(row, said) as object),
    })),
  };
}

function withoutDescription(column: Record<string, unknown>): object {
  const { description: _, ...rest } = column;
  return rest;
}
