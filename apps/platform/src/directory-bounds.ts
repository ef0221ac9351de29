import { existsSync, realpathSync } from "node:fs";
import { relative } from "node:path";

/** Whether a path lies in a directory, or is it. */
export function holds(directory: string, path: string): boolean {
  const inside = relative(directory, path);
  return inside !== ".." && !inside.startsWith("../");
}

/** What is not there yet has no links. */
export const whereLinksLead = (path: string): string => (existsSync(path) ? realpathSync(path) : path);
