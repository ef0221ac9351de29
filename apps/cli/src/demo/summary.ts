import type { EvidencePackage } from "@tracegate/evidence";
import { table } from "../output.ts";
import type { Painter } from "../painter.ts";
import { rounded } from "./gate-lines.ts";

const blind = `
No gate found anything to judge by. Did the canary get requests, and is what the queries ask for
exported, collected and scraped?
`;

/** The end of the main job on one screen: verdict, each gate's numbers, where the evidence lies. */
export function summary(evidence: EvidencePackage, directory: string, paint: Painter): string {
  const { verdict, release, judgement, gates } = evidence;
  const name = `${release.namespace}/${release.rollout} revision ${release.revision}`;
  const headline =
    verdict === "go"
      ? `${paint.good("GO")}     ${name} (${release.images.join(", ")}) takes all of the traffic.`
      : `${paint.bad("NO-GO")}  ${name} (${release.images.join(", ")}) was taken back; the stable version serves.`;
  const reasons = judgement.reasons.map((reason) => `         ${reason}\n`);
  const rows = gates.map(({ metric, verdict: { outcome }, asked, measurements }) => [
    metric,
    outcome,
    asked.successCondition ?? asked.failureCondition ?? "",
    measurements.map(({ value, phase }) => (value === undefined ? phase : rounded(value))).join(", "),
  ]);
  return [
    `${headline}\n`,
    ...(verdict === "go" ? [] : reasons),
    "\n",
    table(["GATE", "VERDICT", "CONDITION", "MEASURED"], rows),
    ...(gates.length > 0 && gates.every(({ verdict: { outcome } }) => outcome === "cannot tell")
      ? [blind]
      : []),
    "\n",
    `Evidence: ${directory}/README.md\n`,
  ].join("");
}

/** Where things serve, and the lines that point a shell at it. */
export function whereItServes(urls: Readonly<Record<string, string>>, setup: readonly string[]): string {
  const width = Math.max(...Object.keys(urls).map(({ length }) => length));
  return [
    ...Object.entries(urls).map(([name, url]) => `  ${name.padEnd(width)}  ${url}\n`),
    ...(setup.length === 0 ? [] : ["\n"]),
    ...setup.map((line) => `  ${line}\n`),
  ].join("");
}
