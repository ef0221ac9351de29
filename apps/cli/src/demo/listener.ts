import { wallClock } from "@tracegate/contracts";
import { renderRollout, rolloutView } from "@tracegate/rollouts";
import type { Io } from "../command.ts";
import { liveArea } from "../live-area.ts";
import { type Painter, rolloutPainter } from "../painter.ts";
import { gateLines } from "./gate-lines.ts";
import { progressLines } from "./progress.ts";
import { type Snapshot, within } from "./snapshot.ts";
import type { StoryListener } from "./story.ts";

export interface Listener extends StoryListener {
  /** Leaves the screen as it is. */
  end(): void;
}

/** Draws the story where there is a terminal, and else prints what changes, a line each. */
export const storyListener = (io: Io, paint: Painter): Listener =>
  io.terminal === undefined ? plainListener(io) : liveListener(io, paint);

function plainListener(io: Io): Listener {
  let before: Snapshot | undefined;
  return {
    chapter: (text) => io.out(`${text}\n`),
    look(snapshot) {
      for (const line of progressLines(before, snapshot)) io.out(`  ${line}\n`);
      before = snapshot;
    },
    end: () => {},
  };
}

function liveListener(io: Io, paint: Painter): Listener {
  const area = liveArea(io.out, () => ({
    columns: io.terminal?.columns ?? 80,
    rows: io.terminal?.rows ?? 24,
  }));
  const tree = (snapshot: Snapshot): string[] =>
    snapshot.rollouts.flatMap((rollout) => {
      const { replicaSets, pods, runs: analysisRuns } = within(rollout.metadata, snapshot);
      const text = renderRollout(rolloutView({ rollout, replicaSets, pods, analysisRuns }), {
        now: wallClock.now(),
        paint: rolloutPainter(io.colour),
        width: (io.terminal?.columns ?? 80) - 1,
      });
      return [...text.split("\n"), "", ...gateLines(newest(analysisRuns), paint)];
    });
  return {
    chapter: (text) => area.print(`${text}\n`),
    look(snapshot) {
      const applications = applicationLines(snapshot, io.terminal?.columns).map((line) => paint.dim(line));
      area.draw(["", ...applications, "", ...tree(snapshot)]);
    },
    end: () => area.end(),
  };
}

/** Each Application with its state, in as many lines as the terminal's width asks for. */
export function applicationLines({ applications }: Pick<Snapshot, "applications">, columns = 80): string[] {
  const lines = ["Applications:"];
  for (const { metadata, status } of applications) {
    const state = `${status?.sync?.status ?? "Unknown"}/${status?.health?.status ?? "Unknown"}`;
    const shown = `${lines.length === 1 && lines[0] === "Applications:" ? " " : "   "}${metadata.name} ${state}`;
    if (`${lines.at(-1)}${shown}`.length > columns) lines.push(`${" ".repeat(11)}${shown}`);
    else lines[lines.length - 1] += shown;
  }
  return lines;
}

const newest = (runs: Snapshot["runs"]) =>
  runs
    .toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""),
    )
    .at(-1);
