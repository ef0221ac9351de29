import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The settings of a YAML or JSON file, by flag's name; none where there is no such file. @throws Error for the user. */
export async function readConfigFile(at: {
  readonly folder: string;
  readonly name: string;
}): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(at.folder, at.name), "utf8").catch(() => undefined);
  if (text === undefined) return new Map();
  if (!/\.(ya?ml|json)$/.test(at.name))
    throw new Error(`${at.name}: the bundled podinfo reads settings of .yaml, .yml and .json`);
  // Loaded here: most pods have no such file.
  const { parse } = await import("yaml");
  const values: unknown = parse(text);
  if (values === null) return new Map();
  if (typeof values !== "object" || Array.isArray(values))
    throw new Error(`${at.name}: expected a map of settings`);
  return new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
