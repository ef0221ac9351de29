/** Chance and waiting, handed in so that tests can fix both. */
export interface Chance {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Waits. */
  sleep(ms: number): Promise<void>;
}

export const systemChance: Chance = {
  uniform: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** A sample of the normal distribution (Box and Muller). */
export function normal(chance: Chance, mean: number, deviation: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - chance.uniform()));
  return mean + deviation * radius * Math.cos(2 * Math.PI * chance.uniform());
}

/** Waits for a normally distributed time of at least 1 ms: how HotROD simulates its back ends. */
export function pause(chance: Chance, meanMs: number, deviationMs: number): Promise<void> {
  return chance.sleep(Math.max(1, normal(chance, meanMs, deviationMs)));
}
