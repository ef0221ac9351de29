import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Answer, json } from "./answer.ts";
import type { Context } from "./context.ts";

/** The files of --config-path. They are read at each call: a ConfigMap's change shows without a watch. */
export async function configs({ settings }: Context): Promise<Answer> {
  if (settings.configPath === "") return json({});
  const entries = await readdir(settings.configPath).catch((): string[] => []);
  const files: Record<string, string> = {};
  // A mounted ConfigMap keeps its data in `..data`.
  for (const name of entries.filter((entry) => !entry.includes("..")).sort()) {
    const text = await readFile(join(settings.configPath, name), "utf8").catch(() => undefined);
    if (text !== undefined) files[name] = text;
  }
  return json(files);
}
