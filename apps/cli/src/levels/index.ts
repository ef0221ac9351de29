import { ProblemError } from "@tracegate/contracts";
import { beginner } from "./beginner.ts";
import { expert } from "./expert.ts";
import { intermediate } from "./intermediate.ts";
import { type Level, type LevelName, levelNames } from "./level.ts";

export type { Level, LevelName, World } from "./level.ts";
export { levelNames } from "./level.ts";

export const levels: Readonly<Record<LevelName, Level>> = { beginner, intermediate, expert };

/** @throws ProblemError where there is no such level. */
export function levelNamed(name: string): Level {
  const known = levelNames.find((level) => level === name);
  if (known === undefined) {
    throw new ProblemError({
      code: "input/level",
      message: `there is no level ${JSON.stringify(name)}`,
      expected: levelNames.join(", "),
    });
  }
  return levels[known];
}
