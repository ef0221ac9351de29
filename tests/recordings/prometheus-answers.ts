/** What is answered to the questions in which `match` occurs: the values in order, the last one again and again. */
export interface AnswerRule {
  readonly match: string;
  readonly values: readonly unknown[];
}

/** Answers queries of Prometheus' API, and other paths with the value itself as JSON, by the rules of a scenario. */
export function answerer(rules: readonly AnswerRule[] = []) {
  const asked = new Map<AnswerRule, number>();
  return (url: string, body: string): { status: number; body: string } => {
    const { pathname, searchParams } = new URL(url, "http://prometheus");
    const query = new URLSearchParams(body).get("query") ?? searchParams.get("query") ?? "";
    const rule = rules.find(({ match }) => `${query} ${pathname}`.includes(match));
    if (rule === undefined) return prometheusAnswer(undefined, pathname.includes("/api/v1/"));
    const count = asked.get(rule) ?? 0;
    asked.set(rule, count + 1);
    const value = rule.values[Math.min(count, rule.values.length - 1)];
    return prometheusAnswer(value, pathname.includes("/api/v1/"));
  };
}

function prometheusAnswer(value: unknown, isQuery: boolean): { status: number; body: string } {
  const ok = (data: unknown) => ({ status: 200, body: JSON.stringify({ status: "success", data }) });
  if (value === "http500") return { status: 500, body: "broken" };
  if (!isQuery) return { status: 200, body: JSON.stringify(value ?? null) };
  if (value === "http400") {
    const error = 'invalid parameter "query": 1:5: parse error: unexpected identifier';
    return { status: 400, body: JSON.stringify({ status: "error", errorType: "bad_data", error }) };
  }
  if (typeof value === "object" && value !== null && "scalar" in value)
    return ok({ resultType: "scalar", result: [0, String(value.scalar)] });
  const numbers = value === "empty" || value === undefined ? [] : Array.isArray(value) ? value : [value];
  const text = (number: unknown) => (number === "nan" ? "NaN" : String(number));
  return ok({
    resultType: "vector",
    result: numbers.map((number) => ({ metric: {}, value: [0, text(number)] })),
  });
}
