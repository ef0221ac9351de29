import { join } from "node:path";
import { runningPlatform } from "@tracegate/platform";
import { command, common } from "../command.ts";
import { connect, stateMeant } from "../connection.ts";
import { levelNamed, levelNames } from "../levels/index.ts";
import { verdictText, verifyLevel } from "../levels/verdict.ts";
import { worldOf } from "../levels/world.ts";
import { print } from "../output.ts";
import { painter } from "../painter.ts";

export const verify = command({
  path: "verify",
  summary: "Check a level, objective by objective",
  details:
    "Looks at the cluster, Prometheus and Jaeger; changes nothing. Gates are tried on made-up canaries: a good one must\n" +
    "pass, a bad one must be held. Exits 0 when every objective is met, 1 when one is not.",
  examples: ["tracegate verify expert", "tracegate verify intermediate -o json"],
  positionals: [{ name: "level", help: levelNames.join(", ") }],
  options: {
    prometheus: { flags: "--prometheus <url>", help: "Prometheus' address, where no platform of ours runs" },
    jaeger: { flags: "--jaeger <url>", help: "Jaeger's address, where no platform of ours runs" },
    output: common.output,
    state: common.state,
  },
  async run({ level: name, prometheus, jaeger, output, state }, io) {
    const level = levelNamed(name);
    const client = connect(state, io);
    try {
      const here = stateMeant(state, io);
      const urls = runningPlatform(here)?.urls ?? {};
      const verdict = await verifyLevel(
        level,
        worldOf(client, {
          prometheus: prometheus ?? urls["Prometheus"] ?? "http://127.0.0.1:30102",
          jaeger: jaeger ?? urls["Jaeger"] ?? "http://127.0.0.1:30103",
        }),
        join(here.repositories, level.name),
      );
      print(io, output, verdict, () => verdictText(verdict, painter(io.colour), io.terminal?.columns));
      return verdict.met ? 0 : 1;
    } finally {
      client.close();
    }
  },
});
