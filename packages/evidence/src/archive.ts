import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ref } from "@tracegate/kube";
import { type EvidencePackage, evidenceFormat } from "./evidence-package.ts";
import { evidenceMarkdown } from "./markdown.ts";

/** `DIRECTORY/<namespace>/<rollout>/<revision>/<attempt>/`: `evidence.json` and `README.md`. */
export interface EvidenceArchive {
  /** Earlier packages of a revision, by attempt, with the UIDs of the runs they were judged by. */
  read(rollout: Ref, revision: number): Promise<readonly ArchivedEvidence[]>;
  write(evidence: EvidencePackage, runUids: readonly string[]): Promise<string>;
}

export interface ArchivedEvidence {
  readonly attempt: number;
  readonly decision: string;
  readonly runUids: readonly string[];
  readonly directory: string;
  readonly evidence: EvidencePackage;
}

export function evidenceArchive(root: string): EvidenceArchive {
  const revisionDirectory = ({ namespace = "default", name }: Ref, revision: number) =>
    join(root, namespace, name, String(revision));
  return {
    async read(rollout, revision) {
      const directory = revisionDirectory(rollout, revision);
      const attempts = (await readdir(directory).catch(() => [])).filter((entry) => /^\d+$/.test(entry));
      const found: ArchivedEvidence[] = [];
      for (const attempt of attempts.sort((a, b) => Number(a) - Number(b))) {
        const file = join(directory, attempt, "evidence.json");
        // Written below and nowhere else; another format is left to the release that knows it.
        const evidence = JSON.parse(await readFile(file, "utf8")) as EvidencePackage & { runUids: string[] };
        if (evidence.format !== evidenceFormat) continue;
        const { decision, runUids } = evidence;
        found.push({
          attempt: Number(attempt),
          decision,
          runUids,
          directory: join(directory, attempt),
          evidence,
        });
      }
      return found;
    },
    async write(evidence, runUids) {
      const { namespace, rollout, revision, attempt } = evidence.release;
      const directory = join(revisionDirectory({ namespace, name: rollout }, revision), String(attempt));
      // Both files appear together: a reader, or a restart after a crash, never finds half a package.
      const draft = `${directory}.draft`;
      await mkdir(draft, { recursive: true });
      await writeFile(
        join(draft, "evidence.json"),
        `${JSON.stringify({ ...evidence, runUids }, undefined, 2)}\n`,
      );
      await writeFile(join(draft, "README.md"), evidenceMarkdown(evidence));
      await rename(draft, directory);
      return directory;
    },
  };
}
