/** What one controller has done since it started, and what lies before it. */
export interface ControllerCounters {
  readonly controller: string;
  /** Reconciles that ended well and asked for nothing more. */
  readonly succeeded: number;
  /** Reconciles that ended well and asked to be called again. */
  readonly requeued: number;
  readonly failed: number;
  readonly queueDepth: number;
  readonly active: number;
}

/** The counters in the text exposition format, under the names that Go's controller-runtime gives them. */
export function renderControllerMetrics(counters: readonly ControllerCounters[]): string {
  const family = (name: string, type: string, help: string, lines: readonly string[]) =>
    [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines.map((line) => `${name}${line}`), ""].join(
      "\n",
    );
  const each = (line: (c: ControllerCounters) => string | string[]) => counters.flatMap(line);
  return [
    family(
      "controller_runtime_reconcile_total",
      "counter",
      "Reconciles per controller, by result",
      each((c) => [
        `{controller="${c.controller}",result="success"} ${c.succeeded}`,
        `{controller="${c.controller}",result="requeue_after"} ${c.requeued}`,
        `{controller="${c.controller}",result="error"} ${c.failed}`,
      ]),
    ),
    family(
      "controller_runtime_reconcile_errors_total",
      "counter",
      "Failed reconciles per controller",
      each((c) => `{controller="${c.controller}"} ${c.failed}`),
    ),
    family(
      "controller_runtime_active_workers",
      "gauge",
      "Reconciles in flight per controller",
      each((c) => `{controller="${c.controller}"} ${c.active}`),
    ),
    family(
      "workqueue_depth",
      "gauge",
      "Objects that wait for a reconcile",
      each((c) => `{name="${c.controller}"} ${c.queueDepth}`),
    ),
  ].join("");
}
