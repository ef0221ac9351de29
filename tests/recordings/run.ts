// npm run recordings -- [rollouts|gitops|kubernetes|jaeger] [NAME…] [--dir DIR] [-v]
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { differenceText, type RunRecordings } from "./difference.ts";
import { listedDifferences, unlisted } from "./differences.ts";
import { recordingsFolder } from "./files.ts";

const kinds: Readonly<Record<string, () => Promise<RunRecordings>>> = {
  rollouts: async () => (await import("./rollouts.ts")).runRollouts,
  gitops: async () => (await import("./gitops.ts")).runGitOps,
  kubernetes: async () => (await import("./kubernetes.ts")).runKubernetes,
  jaeger: async () => (await import("./jaeger.ts")).runJaeger,
};

const usage = `usage: npm run recordings -- [${Object.keys(kinds).join("|")}] [NAME…] [--dir DIR] [-v]

  NAME       a scenario, or a request (of kubernetes: or its part before the slash; of jaeger: a part of its address)
  --dir DIR  recordings of another folder: DIR/KIND/*.json, or DIR itself when it holds files of the kind named
  -v         every difference, those on the list of differences on purpose too
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dir: { type: "string" },
      verbose: { type: "boolean", short: "v", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const folder = values.dir === undefined ? recordingsFolder : resolve(process.env["INIT_CWD"] ?? ".", values.dir);
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`);
  const [first = "", ...others] = positionals;
  const named = Object.hasOwn(kinds, first) ? first : undefined;
  const names = named === undefined ? positionals : others;
  if (named === undefined && names.length > 0) throw new Error(`${first} is no kind of recording`);
  const chosen = named === undefined ? Object.keys(kinds).filter((kind) => existsSync(join(folder, kind))) : [named];
  if (chosen.length === 0) throw new Error(`${folder} holds none of ${Object.keys(kinds).join(", ")}: name the kind of its files`);
  const summaries: string[] = [];
  let failed = false;
  for (const kind of chosen) {
    const { passed, total, summary } = await runKind(kind, folder, names, values.verbose);
    if (total === 0) throw new Error(`no ${kind} recordings${names.length > 0 ? ` named ${names.join(", ")}` : ""} in ${folder}`);
    failed ||= passed < total;
    summaries.push(summary);
  }
  process.stdout.write(`\n${summaries.join("\n")}\n`);
  return failed ? 1 : 0;
}

async function runKind(kind: string, folder: string, names: readonly string[], verbose: boolean) {
  const run = await kinds[kind]?.();
  let passed = 0;
  let total = 0;
  let onPurpose = 0;
  for await (const { name, differences } of run?.(folder, names) ?? []) {
    total++;
    const listed = listedDifferences[kind]?.[name];
    const { unexpected } = unlisted(differences, listed);
    const [shown] = unexpected;
    const print = (text: string) => process.stdout.write(`${text}\n`);
    if (shown === undefined) {
      passed++;
      if (differences.length > 0) onPurpose++;
      print(differences.length === 0 ? `${name}: ok` : `${name}: ok, but for what is so on purpose: ${listed?.why}`);
      if (verbose) for (const difference of differences) print(differenceText(difference));
    } else {
      print(`${name}: differs`);
      for (const difference of verbose ? differences : [shown]) print(differenceText(difference));
    }
  }
  const summary = `${kind}: ${passed}/${total}${onPurpose > 0 ? `, ${onPurpose} of them differing on purpose` : ""}`;
  return { passed, total, summary };
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`recordings: ${error instanceof Error ? error.message : error}\n${usage}`);
  process.exitCode = 2;
}
