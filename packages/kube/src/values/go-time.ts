/** The messages with which Go's `time.Parse` refuses a text. */

const SECONDS = "2006-01-02T15:04:05Z07:00";
const MICROS = "2006-01-02T15:04:05.000000Z07:00";

/** Why a text is no `metav1.Time` (or, with `micro`, no `metav1.MicroTime`: exactly six digits of fraction). */
export function timeError(text: string, micro = false): string {
  const layout = micro ? MICROS : SECONDS;
  let rest = text;
  for (const [element, pattern] of elementsOf(layout)) {
    const match = pattern.exec(rest);
    if (match === null)
      return `parsing time ${q(text)} as ${q(layout)}: cannot parse ${q(rest)} as ${q(element)}`;
    rest = rest.slice(match[0].length);
    // A fraction is read after the seconds even where the layout has none.
    if (element === "05" && !micro) rest = rest.replace(/^[.,]\d+/, "");
  }
  if (rest !== "") return `parsing time ${q(text)}: extra text: ${q(rest)}`;
  return `parsing time ${q(text)}: ${outOfRange(text)} out of range`;
}

function elementsOf(layout: string): [string, RegExp][] {
  const digits = (count: number) => new RegExp(`^\\d{${count}}`);
  const parts = layout.match(/2006|01|02|15|04|05|\.000000|Z07:00|./g) ?? [];
  return parts.map((part) => {
    if (part === "2006") return [part, digits(4)];
    if (/^\d\d$/.test(part)) return [part, digits(2)];
    if (part === "Z07:00") return [part, /^(Z|[+-]\d\d:\d\d)/];
    if (part === ".000000") return [part, /^[.,]\d{6}(?!\d)/];
    return [part, new RegExp(`^${part === "." ? "\\." : part}`)];
  });
}

function outOfRange(text: string): string {
  const [month, day, hour, minute, second] = [
    [5, 7, 1, 12, "month"],
    [8, 10, 1, 31, "day"],
    [11, 13, 0, 23, "hour"],
    [14, 16, 0, 59, "minute"],
    [17, 19, 0, 59, "second"],
  ].map(([start, end, low, high, name]) => {
    const value = Number(text.slice(Number(start), Number(end)));
    return value < Number(low) || value > Number(high) ? String(name) : undefined;
  });
  return month ?? day ?? hour ?? minute ?? second ?? "day";
}

const q = (text: string): string => JSON.stringify(text);
