import type { EvidencePackage, Gate } from "./evidence-package.ts";

/** The page that people read: the verdict first, then each gate, then what would have reverted the release. */
export function evidenceMarkdown(evidence: EvidencePackage): string {
  const { release, verdict, judgement, decidedAt, message, gates, hashes } = evidence;
  const { namespace, rollout, revision, attempt, podTemplateHash, images } = release;
  return `${[
    `# ${verdict === "go" ? "Go" : "No-go"}: ${namespace}/${rollout} revision ${revision}, attempt ${attempt}`,
    [
      `* Image: ${images.map((image) => `\`${image}\``).join(", ")} (pod template hash \`${podTemplateHash}\`)`,
      `* Decided: ${decidedAt}`,
      `* The gates together: **${judgement.outcome}**${judgement.reasons.map((reason) => `\n  * ${reason}`).join("")}`,
      ...(message === "" ? [] : [`* The Rollout says: ${message}`]),
    ].join("\n"),
    "## Gates",
    gates.length === 0
      ? "No gate was asked: this release was judged by nothing but its pods' readiness."
      : markdownTable(
          ["gate", "verdict", "condition", "measured"],
          gates.map((gate) => [
            gate.metric,
            `${gate.verdict.outcome}${gate.dryRun ? " (dry run)" : ""}`,
            code(gate.asked.successCondition ?? gate.asked.failureCondition ?? ""),
            gate.measurements.map(({ value, phase }) => value ?? phase).join(", "),
          ]),
        ),
    ...gates.map(gateSection),
    "## What would have reverted it",
    gates.length === 0
      ? "Nothing but pods that do not become ready."
      : gates
          .filter(({ dryRun }) => !dryRun)
          .map(
            ({ metric, wouldHaveReverted }) =>
              `* **${metric}**\n${wouldHaveReverted.map((line) => `  * ${line}`).join("\n")}`,
          )
          .join("\n"),
    "## Hashes",
    `SHA-256 over canonical JSON. Gates: \`${hashes.gates}\`. Judgement: \`${hashes.judgement}\`.`,
  ].join("\n\n")}\n`;
}

function gateSection(gate: Gate): string {
  const { asked } = gate;
  const facts = [
    `AnalysisRun \`${gate.analysisRun}\`, asked of ${asked.provider}${asked.address === undefined ? "" : ` at ${asked.address}`}`,
    ...(asked.successCondition === undefined ? [] : [`succeeds when ${code(asked.successCondition)}`]),
    ...(asked.failureCondition === undefined ? [] : [`fails when ${code(asked.failureCondition)}`]),
    `${asked.count ?? "1"} measurements${asked.interval === undefined ? "" : `, ${asked.interval} apart`}${
      asked.initialDelay === undefined ? "" : `, the first after ${asked.initialDelay}`
    }`,
  ];
  return [
    `### ${gate.metric}: ${gate.verdict.outcome}`,
    facts.map((fact) => `* ${fact}`).join("\n"),
    ...(asked.query === undefined ? [] : [`\`\`\`promql\n${asked.query.trim()}\n\`\`\``]),
    gate.measurements.length === 0
      ? "Nothing was measured."
      : markdownTable(
          ["finished", "value", "result", "message"],
          gate.measurements.map(({ finishedAt, value, phase, message }) => [
            finishedAt ?? "",
            value ?? "",
            phase,
            message ?? "",
          ]),
        ),
  ].join("\n\n");
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const code = (text: string) => (text === "" ? "" : `\`${text}\``);
