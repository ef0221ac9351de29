import type { Difference } from "./difference.ts";
import { firstLineDifference } from "./printed.ts";
import { courses, courseText, isSameCourse, settledMs } from "./rollout-aspects.ts";
import { bareView, type History, type Json, type Outcome, type State } from "./rollout-history.ts";

/** Events of one type about one object that a recorder tells before it suppresses more. */
const eventBurst = 25;

/** What differs between two histories, the states of objects first; of each object no more than one state on each side. */
export function* differencesOf(ours: History, recorded: History): Generator<Difference> {
  for (const [key, states] of recorded.states) {
    const mine = ours.states.get(key);
    if (mine === undefined) {
      yield { what: key, expected: "an object", got: "none" };
      continue;
    }
    yield* aspectDifferences(key, states, mine);
    const lost = firstUnmatched(settled(states), mine);
    if (lost !== undefined) {
      const { own, other } = nearest(lost, mine);
      yield { what: key, at: `the recorded state at ${lost.t} ms, which never came`, expected: own, got: other };
    }
    const extra = firstUnmatched(settled(mine), states);
    if (extra !== undefined) {
      const { own, other } = nearest(extra, states);
      yield { what: key, at: `our state at ${extra.t} ms, which was not recorded`, expected: other, got: own };
    }
  }
  for (const key of ours.states.keys())
    if (!recorded.states.has(key)) yield { what: key, expected: "none", got: "an object" };
  // Even a transition must not show what the recording never does.
  const shown = new Set(recorded.states.get("Rollout/web")?.map(({ state }) => standing(state)));
  for (const { t, state } of ours.states.get("Rollout/web") ?? [])
    if (!shown.has(standing(state)))
      yield { what: "Rollout/web", at: `${t} ms`, expected: "a state that was recorded", got: standing(state) };
  yield* eventDifferences(ours, recorded);
  yield* orderDifferences(ours, recorded);
  yield* outcomeDifferences(ours.outcomes, recorded.outcomes);
  const line = firstLineDifference("get rollout", recorded.view, ours.view);
  if (line !== undefined) yield line;
}

function* outcomeDifferences(ours: readonly Outcome[], recorded: readonly Outcome[]): Generator<Difference> {
  for (const [index, { command, exit, out }] of recorded.entries()) {
    const mine = ours[index];
    if (mine?.exit !== exit) {
      yield { what: `${command}: exit code`, expected: `${exit}`, got: `${mine?.exit}: ${mine?.out}` };
      continue;
    }
    const found = firstLineDifference(command, bareView(out), bareView(mine.out));
    if (found !== undefined) yield found;
  }
}

/** Whether so many Events of a type were told about one kind of object that more may have been suppressed. */
function isQuiet({ told }: History, text: string): boolean {
  const [kind, type] = text.split(" ");
  return told.filter((other) => other.startsWith(`${kind} ${type} `)).length >= eventBurst;
}

function* eventDifferences(ours: History, recorded: History): Generator<Difference> {
  for (const [text, count] of recorded.events) {
    // Recorders, the real one too, go quiet after so many Events of one type about one object.
    if (!ours.events.has(text) && isQuiet(ours, text)) continue;
    const mine = ours.events.get(text);
    if (mine !== count) yield { what: `Event ${text}`, expected: `${count} times`, got: `${mine ?? 0} times` };
  }
  // The recorder sometimes came too late for the first Event.
  for (const text of ours.events.keys())
    if (!recorded.events.has(text) && !text.includes("RolloutAddedToInformer"))
      yield { what: `Event ${text}`, expected: "none", got: `${ours.events.get(text) ?? 0} times` };
}

/** What an object goes through, aspect by aspect: see `rollout-aspects.ts`. */
function* aspectDifferences(
  key: string,
  recorded: readonly State[],
  ours: readonly State[],
): Generator<Difference> {
  const [theirs, mine] = [courses(key, recorded), courses(key, ours)];
  for (const aspect of new Set([...theirs.keys(), ...mine.keys()])) {
    const [expected, got] = [theirs.get(aspect) ?? [], mine.get(aspect) ?? []];
    if (!isSameCourse(aspect, expected, got))
      yield { what: key, at: aspect, expected: courseText(expected), got: courseText(got) };
  }
}

/** The order in which Events about one kind of object were told, where none were suppressed. */
function* orderDifferences(ours: History, recorded: History): Generator<Difference> {
  const order = ({ told }: History, kind: string): string[] =>
    told.filter((text) => text.startsWith(`${kind} `) && !text.includes("RolloutAddedToInformer"));
  for (const kind of ["Rollout", "AnalysisRun"]) {
    const [expected, got] = [order(recorded, kind), order(ours, kind)];
    const at = expected.findIndex((text, i) => text !== got[i]);
    if (at < 0 || [ours, recorded].some((history) => isQuiet(history, `${kind} Normal `))) continue;
    yield { what: `Event ${kind}, in order`, at: `number ${at + 1}`, expected: expected[at] ?? "none", got: got[at] ?? "none" };
  }
}

/** Where a Rollout stands, in the words that people see. */
const standing = ({
  currentStepIndex = 0,
  phase = "",
  message = "",
  stableRS = "",
  currentPodHash = "",
}: Json): string =>
  `step ${String(currentStepIndex)} of ${String(currentPodHash)}, stable ${String(stableRS)}, ${String(phase)}: ${String(message)}`;

/** States of the whole object, with its counts and times, that were no transitions. */
const settled = (states: readonly State[]): State[] =>
  states.filter(({ t }, i) => (states[i + 1]?.t ?? Number.POSITIVE_INFINITY) - t >= settledMs);

/** Every wanted state must occur among the others, in order. */
function firstUnmatched(wanted: readonly State[], among: readonly State[]): State | undefined {
  let at = 0;
  for (const state of wanted) {
    const text = JSON.stringify(state.state);
    const found = among.findIndex(
      (other, i) => i >= at && JSON.stringify(other.state) === text && timesAgree(state, other),
    );
    if (found < 0) return state;
    at = found;
  }
  return undefined;
}

/** Times are rounded, so they may be a second apart. */
const timesAgree = (one: State, other: State): boolean =>
  [...one.times].every(([path, seconds]) => Math.abs(seconds - (other.times.get(path) ?? seconds)) <= toleratedSeconds);

const toleratedSeconds = 1;

/** How a state differs from the most similar one on the other side: what each has there. */
function nearest(state: State, others: readonly State[]): { own: string; other: string } {
  const paths = described(state);
  let best: { count: number; own: string; other: string } | undefined;
  for (const candidate of others) {
    const theirs = described(candidate);
    const keys = [...new Set([...paths.keys(), ...theirs.keys()])].filter(
      (key) => paths.get(key) !== theirs.get(key),
    );
    const listed = (of: Map<string, string>) => keys.map((key) => `${key}: ${of.get(key) ?? "absent"}`).join("\n");
    if (best !== undefined && keys.length >= best.count) continue;
    best =
      keys.length === 0
        ? { count: 0, own: "at this place in the order", other: "the same state at another place" }
        : { count: keys.length, own: listed(paths), other: listed(theirs) };
  }
  return best ?? { own: JSON.stringify(state.state), other: "no state" };
}

/** Every value of a state by its path, times too. */
const described = ({ state, times }: State): Map<string, string> =>
  new Map([...flatten(state), ...[...times].map(([path, seconds]) => [path, `t+${seconds}s`] as const)]);

function flatten(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null) return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...flatten(inner, path === "" ? key : `${path}.${key}`),
    ]),
  );
}
