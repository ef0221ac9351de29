import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { crds, type Rollout, rolloutProblem } from "@tracegate/rollouts";
import { parseAllDocuments } from "yaml";
import { UsageError } from "../cobra/command.ts";
import { command, PluginError } from "./plugin.ts";

const schema = crds.find(({ spec }) => spec.names.kind === "Rollout")?.spec.versions[0]?.schema
  ?.openAPIV3Schema;

export const lint = command({
  path: "lint",
  args: [0, Number.POSITIVE_INFINITY],
  summary: "Check the Rollouts in a file, without any server",
  examples: ["kubectl argo rollouts lint -f rollout.yaml"],
  flags: { filename: { type: "string", short: "f", help: "the file: YAML or JSON" } },
  async run(_args, { filename }, { io }) {
    if (filename === "") throw new UsageError();
    const problems = rolloutsIn(filename, io.cwd).flatMap((rollout) => rolloutProblem(rollout) ?? []);
    for (const problem of problems) io.out(`${problem.replace(/^[^:]*: /, "")}\n`);
    const [first] = problems;
    if (first !== undefined) throw new PluginError(first);
    return 0;
  },
});

function rolloutsIn(path: string, cwd: string): Rollout[] {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, path), "utf8");
  } catch {
    throw new PluginError(`open ${path}: no such file or directory`);
  }
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new PluginError(`yaml: ${error.message.split("\n")[0]}`);
    const value: unknown = document.toJS();
    if (!isRecord(value) || value["kind"] !== "Rollout") return [];
    if (!String(value["apiVersion"]).startsWith("argoproj.io/")) return [];
    const unknown = unknownField(value, schema);
    if (unknown !== undefined)
      throw new PluginError(
        `error unmarshaling JSON: while decoding JSON: json: unknown field ${JSON.stringify(unknown)}`,
      );
    return [value as unknown as Rollout]; // its fields are known, and the problems of their values are what is asked for
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Schema = NonNullable<typeof schema>;

/** The first field that the kind does not have. */
function unknownField(value: unknown, within: Schema | undefined): string | undefined {
  if (within === undefined) return undefined;
  if (Array.isArray(value)) return firstOf(value, (item) => unknownField(item, within.items));
  if (!isRecord(value) || within["x-kubernetes-preserve-unknown-fields"] === true) return undefined;
  const { properties } = within;
  if (properties === undefined) return undefined;
  return firstOf(Object.entries(value), ([name, member]) =>
    name in properties ? unknownField(member, properties[name]) : name,
  );
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
