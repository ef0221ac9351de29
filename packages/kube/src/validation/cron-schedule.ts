import { quote } from "../values/go-text.ts";

interface FieldRange {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: readonly FieldRange[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const DESCRIPTORS = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/** What is wrong with a schedule of five fields or a descriptor, in the words of the parser that upstream uses. */
export function scheduleError(schedule: string): string | undefined {
  if (schedule.startsWith("@")) return descriptorError(schedule);
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) {
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(" ")}]`;
  }
  for (const [i, range] of FIELDS.entries()) {
    for (const expression of (fields[i] ?? "").split(",")) {
      const error = rangeError(expression, range);
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

function descriptorError(schedule: string): string | undefined {
  if (DESCRIPTORS.includes(schedule)) return undefined;
  if (!schedule.startsWith("@every ")) return `unrecognized descriptor: ${schedule}`;
  const duration = schedule.slice("@every ".length);
  if (/^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$/.test(duration)) return undefined;
  return `failed to parse duration ${schedule}: time: invalid duration ${quote(duration)}`;
}

function rangeError(expression: string, range: FieldRange): string | undefined {
  const [span = "", step, ...more] = expression.split("/");
  const [low = "", high, ...others] = span.split("-");
  if (others.length > 0) return `too many hyphens: ${expression}`;
  if (more.length > 0) return `too many slashes: ${expression}`;
  const star = low === "*" || low === "?";
  const start = star ? range.min : numberIn(low, range);
  if (typeof start === "string") return start;
  let end: number | string = star ? range.max : high === undefined ? start : numberIn(high, range);
  if (typeof end === "string") return end;
  const every = step === undefined ? 1 : numberIn(step, { min: 0, max: 0 });
  if (typeof every === "string") return every;
  if (step !== undefined && high === undefined) end = range.max;
  if (start < range.min) return `beginning of range (${start}) below minimum (${range.min}): ${expression}`;
  if (end > range.max) return `end of range (${end}) above maximum (${range.max}): ${expression}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`;
  return every === 0 ? `step of range should be a positive number: ${expression}` : undefined;
}

/** A number or a name; a text is the complaint. */
function numberIn(expression: string, { names, min }: FieldRange): number | string {
  const named = names?.indexOf(expression.toLowerCase()) ?? -1;
  if (named >= 0) return named + min;
  if (/^[0-9]+$/.test(expression)) return Number(expression);
  if (/^-[0-9]+$/.test(expression)) return `negative number (${expression}) not allowed: ${expression}`;
  return `failed to parse int from ${expression}: strconv.Atoi: parsing ${quote(expression)}: invalid syntax`;
}
