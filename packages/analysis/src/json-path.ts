/** The first match of a Kubernetes JSONPath such as `{$.data.items[0]['name']}`; filters and scripts are not supported. */
export function jsonPathFirst(
  json: unknown,
  path: string,
): { readonly value: unknown } | { readonly error: string } {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(path)?.[1] ?? path;
  const steps = parse(inner.trim());
  if (typeof steps === "string") return { error: steps };
  let found: unknown[] = [json];
  for (const step of steps) {
    const next: unknown[] = [];
    for (const value of found) {
      if (step === "*")
        next.push(
          ...(Array.isArray(value)
            ? value
            : typeof value === "object" && value !== null
              ? Object.values(value)
              : []),
        );
      else if (typeof step === "number") {
        if (!Array.isArray(value)) return { error: "is not array or slice" };
        const index = step < 0 ? value.length + step : step;
        if (index >= value.length || index < 0)
          return { error: `array index out of bounds: index ${step}, length ${value.length}` };
        next.push(value[index]);
      } else if (typeof value === "object" && value !== null && Object.hasOwn(value, step))
        next.push((value as Record<string, unknown>)[step]);
      else return { error: `${step} is not found` };
    }
    found = next;
  }
  return found.length === 0 ? { error: "no match" } : { value: found[0] };
}

function parse(text: string): (string | number)[] | string {
  const steps: (string | number)[] = [];
  let rest = text.startsWith("$") || text.startsWith("@") ? text.slice(1) : text;
  while (rest !== "") {
    const field = /^\.?([A-Za-z0-9_\-\\.]*?[A-Za-z0-9_-])(?=$|[.[])/.exec(rest);
    const quoted = /^\[\s*'((?:[^'\\]|\\.)*)'\s*\]/.exec(rest) ?? /^\[\s*"((?:[^"\\]|\\.)*)"\s*\]/.exec(rest);
    const index = /^\[\s*(-?\d+)\s*\]/.exec(rest);
    const every = /^(?:\.\*|\[\s*\*\s*\])/.exec(rest);
    if (every !== null) steps.push("*");
    else if (index !== null) steps.push(Number(index[1]));
    else if (quoted !== null) steps.push(quoted[1] ?? "");
    else if (field !== null) steps.push(field[1] ?? "");
    else return `unsupported JSONPath ${JSON.stringify(rest)}`;
    rest = rest.slice((every ?? index ?? quoted ?? field)?.[0].length ?? 0);
  }
  return steps;
}
