/** A backend of a service and the connections it holds at this moment. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
  readonly active: number;
}

/**
 * The order in which backends are tried for a new connection: fewest open connections first; among equals, the one
 * after the last chosen, so that short connections go round.
 */
export function backendOrder<T extends Backend>(backends: readonly T[], turn: number): T[] {
  const start = backends.length === 0 ? 0 : turn % backends.length;
  return [...backends.slice(start), ...backends.slice(0, start)].sort((a, b) => a.active - b.active);
}
