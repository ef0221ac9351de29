// The `tracegate` process.
import { commands } from "./commands/index.ts";
import { runCli } from "./parse.ts";
import { processIo } from "./process-io.ts";

process.exit(await runCli(process.argv.slice(2), commands, processIo()));
