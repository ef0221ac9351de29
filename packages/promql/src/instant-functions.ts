/** Functions of one value and, for some, scalar parameters at the same step. */
export type InstantFunction = (value: number, params: readonly number[]) => number;

export const INSTANT_FUNCTIONS: Readonly<Record<string, InstantFunction>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sgn: Math.sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  deg: (value) => (value * 180) / Math.PI,
  rad: (value) => (value * Math.PI) / 180,
  // Through the inverse, because 1 / 0.1 is exact where 0.1 is not.
  round: (value, [nearest = 1]) => Math.floor(value * (1 / nearest) + 0.5) / (1 / nearest),
  clamp: (value, [least = 0, most = 0]) => Math.max(least, Math.min(most, value)),
  clamp_min: (value, [least = 0]) => Math.max(least, value),
  clamp_max: (value, [most = 0]) => Math.min(most, value),
};

/** Parts of a point in time (seconds since the epoch), in UTC. */
export const DATE_FUNCTIONS: Readonly<Record<string, (seconds: number) => number>> = {
  minute: dated((d) => d.getUTCMinutes()),
  hour: dated((d) => d.getUTCHours()),
  day_of_week: dated((d) => d.getUTCDay()),
  day_of_month: dated((d) => d.getUTCDate()),
  day_of_year: dated((d) => {
    const newYear = Date.UTC(d.getUTCFullYear(), 0, 1);
    return Math.floor((d.getTime() - newYear) / 86_400_000) + 1;
  }),
  days_in_month: dated((d) => new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 0)).getUTCDate()),
  month: dated((d) => d.getUTCMonth() + 1),
  year: dated((d) => d.getUTCFullYear()),
};

function dated(part: (date: Date) => number): (seconds: number) => number {
  return (seconds) => part(new Date(Math.trunc(seconds) * 1000));
}
