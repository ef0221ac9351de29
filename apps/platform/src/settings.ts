import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StateDirectory } from "./state-directory.ts";

/** How fast the platform looks at things; kept with the state, so that a later `up` goes on at the same pace. */
export interface Pace {
  readonly scrapeIntervalMs: number;
  readonly gitPollMs: number;
}

export const usualPace: Pace = { scrapeIntervalMs: 15_000, gitPollMs: 3000 };

const file = (state: StateDirectory) => join(state.root, "pace.json");

/** The pace asked for, else the one of the run before, else the usual one; written down for the next run. */
export function settlePace(state: StateDirectory, asked: Partial<Pace>): Pace {
  const before = { ...usualPace, ...recall(state) };
  const pace: Pace = {
    scrapeIntervalMs: asked.scrapeIntervalMs ?? before.scrapeIntervalMs,
    gitPollMs: asked.gitPollMs ?? before.gitPollMs,
  };
  writeFileSync(file(state), `${JSON.stringify(pace)}\n`);
  return pace;
}

function recall(state: StateDirectory): Partial<Pace> {
  try {
    return JSON.parse(readFileSync(file(state), "utf8")) as Partial<Pace>; // written above only
  } catch {
    return {};
  }
}
