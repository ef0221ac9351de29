/** A family of metrics in Prometheus' text format. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

interface Sample {
  /** `_bucket`, `_sum` or `_count` in a histogram. */
  readonly suffix?: string;
  /** `a="b",c="d"`, escaped. */
  readonly labels?: string;
  readonly value: number;
  /** A count of a histogram: written without an exponent. */
  readonly whole?: boolean;
}

/** Families in the order of their names; those without samples are left out. */
export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}\n`,
      `# TYPE ${name} ${type}\n`,
      ...samples.map(({ suffix = "", labels, value, whole }) => {
        const number = whole ? String(value) : goFloat(value);
        return `${name}${suffix}${labels === undefined ? "" : `{${labels}}`} ${number}\n`;
      }),
    ])
    .join("");
}

/** The shortest text of a number as Go's %g writes it: with an exponent below 1e-4 and from 1e6 on. */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
