import type { Command } from "../command.ts";
import * as app from "./app/index.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { down } from "./down.ts";
import { env } from "./env.ts";
import { init } from "./init.ts";
import * as rollouts from "./rollouts/index.ts";
import { status } from "./status.ts";
import { up } from "./up.ts";
import { verify } from "./verify.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  demo,
  verify,
  init,
  up,
  down,
  status,
  doctor,
  env,
  rollouts.get,
  rollouts.list,
  rollouts.status,
  rollouts.promote,
  rollouts.abort,
  rollouts.retry,
  app.list,
  app.get,
  app.sync,
];
