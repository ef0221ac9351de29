// The process of a HotROD container: `hotrod all`.
import { systemChance } from "./chance.ts";
import { startHotrod } from "./hotrod.ts";
import { parseSettings, type Settings, usage } from "./settings.ts";

const argv = process.argv.slice(2);
if (argv.includes("--help") || argv.includes("-h")) {
  console.log(usage);
  process.exit(0);
}
const tag = process.env["TRACEGATE_TAG"] ?? "1.76.0";
let settings: Settings;
try {
  settings = parseSettings(argv, tag);
} catch (error) {
  console.error(`Error: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
try {
  const write = (line: string) => void process.stdout.write(line);
  const hotrod = await startHotrod({ settings, version: tag, env: process.env, chance: systemChance, write });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void hotrod.close().finally(() => process.exit(0)));
  }
} catch (error) {
  console.error(`Error: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
