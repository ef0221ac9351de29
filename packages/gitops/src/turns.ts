/** Objects worked on before others have their turn: a few milliseconds, unless they are very large. */
export const objectsATurn = 25;

/** Lets everyone else go on: connections, timers, other controllers. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Does work that says where it may pause, with a turn for others at each pause. */
export async function inTurns<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await turn();
  }
}

/** The same work without pauses. */
export function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** Calls `action` for some at a time, with a turn for others after each lot; what it answers, in order. */
export async function mapInTurns<T, U>(items: readonly T[], action: (item: T) => Promise<U>): Promise<U[]> {
  const answers: U[] = [];
  for (let at = 0; at < items.length; at += objectsATurn) {
    if (at > 0) await turn();
    answers.push(...(await Promise.all(items.slice(at, at + objectsATurn).map(action))));
  }
  return answers;
}
