import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with the recordings that lie in the project. */
export const recordingsFolder = fileURLToPath(new URL(".", import.meta.url));

/** Where a kind's files lie: `FOLDER/KIND`, or the folder itself when it holds them. */
export function kindFolder(folder: string, kind: string): string {
  const inner = join(folder, kind);
  return existsSync(inner) ? inner : folder;
}

/** The names of a folder's recordings, in order. */
export const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();

/** The recordings of a folder, by the names of their files; all, or those named. */
export function* recordingsOf<T extends object>(
  folder: string,
  names: readonly string[],
): Generator<{ readonly name: string; readonly recording: T }> {
  const found = namesIn(folder);
  for (const name of names) {
    if (!found.includes(name)) throw new Error(`no recording ${name} in ${folder}`);
  }
  for (const name of names.length > 0 ? found.filter((entry) => names.includes(entry)) : found) {
    yield { name, recording: readJson(join(folder, `${name}.json`)) };
  }
}

/** Recorded data: its form is described in the README beside it. */
export const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;
