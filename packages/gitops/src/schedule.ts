/** A cron schedule: the minutes, hours, days, months and weekdays at which it begins. */
export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Whether days of both sorts are chosen: then either does. */
  readonly eitherDay: boolean;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Reads `minute hour day month weekday`; undefined when it is none. */
export function parseSchedule(text: string): Schedule | undefined {
  const fields = text.trim().split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  if (fields.length !== 5) return undefined;
  const minutes = fieldValues(minute, 0, 59);
  const hours = fieldValues(hour, 0, 23);
  const days = fieldValues(day, 1, 31);
  const monthNumbers = fieldValues(month, 1, 12, months);
  const weekdayNumbers = fieldValues(weekday, 0, 6, weekdays);
  if (!minutes || !hours || !days || !monthNumbers || !weekdayNumbers) return undefined;
  const open = (field: string) => /^[*?]/.test(field);
  return {
    minutes,
    hours,
    days,
    months: monthNumbers,
    weekdays: weekdayNumbers,
    eitherDay: !open(day) && !open(weekday),
  };
}

/** The values of one field: a list of `*`, `a`, `a-b`, each with a step if it likes. */
function fieldValues(
  field: string,
  least: number,
  most: number,
  names: readonly string[] = [],
): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    const [, range = "", step = "1"] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const number = (text: string) => {
      const named = names.indexOf(text.toLowerCase());
      return named >= 0 ? named + least : /^\d+$/.test(text) ? Number(text) : Number.NaN;
    };
    const [first = "", last] = range.split("-");
    const everything = range === "*" || range === "?";
    const from = everything ? least : number(first);
    const to = everything ? most : last !== undefined ? number(last) : part.includes("/") ? most : from;
    if (!(from >= least && to <= most && from <= to && Number(step) > 0)) return undefined;
    for (let value = from; value <= to; value += Number(step)) values.add(value);
  }
  return values;
}

/** The first moment after `after` at which the schedule begins, in the time that UTC's clocks show; undefined when none comes in five years. */
export function nextTime(schedule: Schedule, after: number): number | undefined {
  const at = new Date(Math.floor(after / 60_000) * 60_000 + 60_000);
  const limit = after + 5 * 366 * 86_400_000;
  while (at.getTime() < limit) {
    const [year, month, day, hour] = [
      at.getUTCFullYear(),
      at.getUTCMonth(),
      at.getUTCDate(),
      at.getUTCHours(),
    ];
    if (!schedule.months.has(month + 1)) at.setTime(Date.UTC(year, month + 1));
    else if (!isDay(schedule, at)) at.setTime(Date.UTC(year, month, day + 1));
    else if (!schedule.hours.has(hour)) at.setTime(Date.UTC(year, month, day, hour + 1));
    else if (!schedule.minutes.has(at.getUTCMinutes())) at.setTime(at.getTime() + 60_000);
    else return at.getTime();
  }
  return undefined;
}

function isDay({ days, weekdays: ofWeek, eitherDay }: Schedule, at: Date): boolean {
  const [ofMonth, weekday] = [days.has(at.getUTCDate()), ofWeek.has(at.getUTCDay())];
  return eitherDay ? ofMonth || weekday : ofMonth && weekday;
}
