#!/usr/bin/env node
// Starts the kubectl plugin under Node 24; plain JavaScript, so that an older Node can run it.
import { fileURLToPath } from "node:url";
import { runUnderNode24 } from "../../../scripts/node24.js";

runUnderNode24([
  fileURLToPath(new URL("../src/argo-rollouts/main.ts", import.meta.url)),
  ...process.argv.slice(2),
]);
