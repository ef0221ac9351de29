import { indented } from "../output.ts";
import type { Painter } from "../painter.ts";
import type { Level, World } from "./level.ts";

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
}

export async function verifyLevel(level: Level, world: World): Promise<LevelVerdict> {
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
  };
}

/** Objective by objective, with hints below those that are not met, in lines of `columns` where there is a terminal. */
export function verdictText(
  { level, title, met, objectives }: LevelVerdict,
  paint: Painter,
  columns?: number,
): string {
  const lines = objectives.flatMap(({ text, met: done, hints }) => [
    `${done ? paint.good("✔") : paint.bad("✖")} ${text}\n`,
    ...hints.flatMap((hint) => indented(hint, "    ", columns)).map((line) => `${paint.dim(line)}\n`),
  ]);
  const count = objectives.filter(({ met: done }) => done).length;
  const end = met
    ? `All ${count} objectives are met.`
    : `${count} of ${objectives.length} objectives are met.`;
  return [`${paint.bold(`${title} (${level})`)}\n\n`, ...lines, `\n${end}\n`].join("");
}
