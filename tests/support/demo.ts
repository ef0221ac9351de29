import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EvidencePackage } from "@tracegate/evidence";
import { finish, temporaryState, tracegate } from "./tracegate.ts";

/** A demo to its end, with the evidence it left. */
export async function demo(t: { after(body: () => void): void }, ...options: string[]) {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const state = join(temporary.path, "s");
  const ended = await finish(tracegate("demo", "--exit", "--ports", "free", "--state", state, ...options));
  const file = join(state, "evidence", "hotrod", "hotrod", "2", "1", "evidence.json");
  return { ...ended, evidence: JSON.parse(readFileSync(file, "utf8")) as EvidencePackage };
}

/** What one gate answered. */
export const outcomeOf = ({ gates }: EvidencePackage, name: string) =>
  gates.find(({ metric }) => metric === name)?.verdict.outcome;
