/** Recorded requests that this server answers otherwise, and why. */
export const knownDifferences: Readonly<Record<string, string>> = {};
