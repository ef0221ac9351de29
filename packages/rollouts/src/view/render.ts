import { humanDuration } from "@tracegate/kube";
import { type Painter, plain, stateIcon } from "./paint.ts";
import type { ReplicaSetView, RolloutView, RunView } from "./rollout-view.ts";

export interface RenderOptions {
  /** Milliseconds since the epoch: ages count to it. */
  readonly now: number;
  readonly paint?: Painter;
  /** Columns of the terminal: longer rows of the tree are cut. */
  readonly width?: number;
}

/** What `get rollout` prints: the header, a blank line, the tree. */
export function renderRollout(view: RolloutView, options: RenderOptions): string {
  return [...header(view, options.paint ?? plain), "", ...tree(view, options)].join("\n");
}

function header(view: RolloutView, paint: Painter): string[] {
  const { icon, tone } = stateIcon(view.phase);
  const line = (label: string, value: string | number): string => `${`${label}:`.padEnd(17)}${value}`;
  const images = view.images.map(({ image, tags }) =>
    tags.length === 0 ? image : `${image} (${tags.join(", ")})`,
  );
  return [
    line("Name", view.name),
    line("Namespace", view.namespace),
    line("Status", paint(tone, `${icon} ${view.phase}`)),
    ...(view.message === "" ? [] : [line("Message", view.message)]),
    line("Strategy", view.strategy),
    ...(view.strategy === "Canary"
      ? [
          line("  Step", view.step ?? ""),
          line("  SetWeight", view.setWeight ?? 0),
          line("  ActualWeight", view.actualWeight ?? 0),
        ]
      : []),
    ...images.map((image, i) => (i === 0 ? line("Images", image) : `${" ".repeat(17)}${image}`)),
    "Replicas:",
    line("  Desired", view.desired),
    line("  Current", view.current),
    line("  Updated", view.updated),
    line("  Ready", view.ready),
    line("  Available", view.available),
  ];
}

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly state?: { readonly text: string; readonly kind?: "run" };
  readonly since?: number | undefined;
  readonly info?: string;
}

function tree(view: RolloutView, { now, paint = plain, width }: RenderOptions): string[] {
  const rows: Row[] = [
    { name: `⟳ ${view.name}`, kind: "Rollout", state: { text: view.phase }, since: view.createdAt },
    ...branches(
      view.revisions.map((revision) => ({
        row: { name: `# revision:${revision.revision}`, kind: "" },
        children: [
          ...revision.replicaSets.map((rs) => replicaSetNode(rs, now)),
          ...revision.runs.map(runNode),
        ],
      })),
      "",
    ),
  ];
  const cells = rows.map((row) => {
    const icon = row.state === undefined ? undefined : stateIcon(row.state.text, row.state.kind);
    return {
      texts: [
        row.name,
        row.kind,
        icon === undefined ? "" : `${icon.icon} ${row.state?.text ?? ""}`,
        row.since === undefined ? "" : humanDuration(now - row.since),
        row.info ?? "",
      ],
      tone: icon?.tone,
    };
  });
  const table = [{ texts: ["NAME", "KIND", "STATUS", "AGE", "INFO"], tone: undefined }, ...cells];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map(({ texts }) => lengthOf(texts[column] ?? ""))),
  );
  return table.map(({ texts, tone }, i) => {
    const padded = texts.map(
      (text, column) => text + " ".repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(text))),
    );
    // Blanks at the end are the original's, where nobody's terminal is too narrow for them.
    const whole = width === undefined ? padded.join("  ") : clip(padded.join("  ").trimEnd(), width);
    const state = texts[2] ?? "";
    if (i === 0) return paint("heading", whole);
    return tone === undefined || state === "" || !whole.includes(state)
      ? whole
      : whole.replace(state, () => paint(tone, state));
  });
}

interface Node {
  readonly row: Row;
  readonly children: readonly Node[];
}

function branches(nodes: readonly Node[], indent: string): Row[] {
  return nodes.flatMap(({ row, children }, i) => {
    const last = i === nodes.length - 1;
    return [
      { ...row, name: `${indent}${last ? "└──" : "├──"}${row.name}` },
      ...branches(children, `${indent}${last ? "   " : "│  "}`),
    ];
  });
}

function replicaSetNode(rs: ReplicaSetView, now: number): Node {
  const delay =
    rs.scaleDownAt === undefined
      ? []
      : [rs.scaleDownAt > now ? `delay:${humanDuration(rs.scaleDownAt - now)}` : "delay:passed"];
  return {
    row: {
      name: `⧉ ${rs.name}`,
      kind: "ReplicaSet",
      state: { text: rs.status },
      since: rs.createdAt,
      info: [...rs.roles, ...delay].join(","),
    },
    children: rs.pods.map((pod) => ({
      row: {
        name: `□ ${pod.name}`,
        kind: "Pod",
        state: { text: pod.status },
        since: pod.createdAt,
        info: `ready:${pod.ready}${pod.restarts > 0 ? `,restarts:${pod.restarts}` : ""}`,
      },
      children: [],
    })),
  };
}

function runNode(run: RunView): Node {
  const counts = [
    ["✔", run.successful],
    ["✖", run.failed],
    ["?", run.inconclusive],
    ["⚠", run.error],
  ] as const;
  const info = counts
    .filter(([, count]) => count > 0)
    .map(([icon, count]) => `${icon} ${count}`)
    .join(",");
  return {
    row: {
      name: `α ${run.name}`,
      kind: "AnalysisRun",
      state: { text: run.status, kind: "run" },
      since: run.createdAt,
      info,
    },
    children: run.jobs.map((job) => ({
      row: {
        name: `⊞ ${job.name}`,
        kind: "Job",
        state: { text: job.status, kind: "run" },
        since: job.startedAt,
      },
      children: [],
    })),
  };
}

/** All characters in use are one column wide. */
const lengthOf = (text: string): number => Array.from(text).length;

function clip(text: string, width: number | undefined): string {
  if (width === undefined || lengthOf(text) <= width) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, width - 1))
    .join("")}…`;
}

/** The line that `status` prints: the phase, with what the Rollout says of it. */
export function renderStatus({ phase, message }: Pick<RolloutView, "phase" | "message">): string {
  return message === "" ? phase : `${phase} - ${message}`;
}

/** What `list rollouts` prints. */
export function renderRolloutList(
  views: readonly RolloutView[],
  options: { readonly allNamespaces?: boolean } = {},
): string {
  const rows = views.map((view) => [
    ...(options.allNamespaces === true ? [view.namespace] : []),
    view.name,
    view.strategy,
    view.phase,
    view.step ?? "-",
    view.strategy === "Canary" ? String(view.setWeight ?? 0) : "-",
    `${view.ready}/${view.current}`,
    String(view.desired),
    String(view.updated),
    String(view.available),
  ]);
  const titles = [
    ...(options.allNamespaces === true ? ["NAMESPACE"] : []),
    "NAME",
    "STRATEGY",
    "STATUS",
    "STEP",
    "SET-WEIGHT",
    "READY",
    "DESIRED",
    "UP-TO-DATE",
    "AVAILABLE",
  ];
  const table = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...table.map((row) => lengthOf(row[column] ?? ""))));
  return table
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2)))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}
