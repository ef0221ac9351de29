import { indented } from "../output.ts";
import type { Painter } from "../painter.ts";
import type { Level, World } from "./level.ts";
import { undeployed } from "./undeployed.ts";

/** How a level stands: each objective, and what is in the way of those that are not met. */
export interface LevelVerdict {
  readonly level: string;
  readonly title: string;
  readonly met: boolean;
  readonly objectives: readonly {
    readonly text: string;
    readonly met: boolean;
    readonly hints: readonly string[];
  }[];
  /** What the reader wrote that is not deployed; objectives say nothing of it. */
  readonly undeployed: readonly string[];
}

/** `workingCopy` is where the level's reader edits; it need not be there. */
export async function verifyLevel(level: Level, world: World, workingCopy: string): Promise<LevelVerdict> {
  const objectives: LevelVerdict["objectives"][number][] = [];
  for (const { text, check } of level.objectives) {
    const hints = await check(world);
    objectives.push({ text, met: hints.length === 0, hints });
  }
  return {
    level: level.name,
    title: level.title,
    met: objectives.every(({ met }) => met),
    objectives,
    undeployed: await undeployed(world, workingCopy, level.path),
  };
}

/** Objective by objective, with hints below those that are not met, in lines of `columns` where there is a terminal. */
export function verdictText(
  { level, title, met, objectives, undeployed: notes }: LevelVerdict,
  paint: Painter,
  columns?: number,
): string {
  const indent = (hints: readonly string[]) =>
    hints.flatMap((hint) => indented(hint, "    ", columns)).map((line) => `${paint.dim(line)}\n`);
  const lines = objectives.flatMap(({ text, met: done, hints }) => [
    `${done ? paint.good("✔") : paint.bad("✖")} ${text}\n`,
    ...indent(hints),
  ]);
  const apart = notes.length === 0 ? [] : ["\nWhat is deployed is not what you wrote:\n", ...indent(notes)];
  const count = objectives.filter(({ met: done }) => done).length;
  const end = met
    ? `All ${count} objectives are met.`
    : `${count} of ${objectives.length} objectives are met.`;
  return [`${paint.bold(`${title} (${level})`)}\n\n`, ...lines, `\n${end}\n`, ...apart].join("");
}
