#!/usr/bin/env node
// Starts the command line argocd under Node 24; plain JavaScript, so that an older Node can run it.
import { fileURLToPath } from "node:url";
import { runUnderNode24 } from "../../../scripts/node24.js";

runUnderNode24([fileURLToPath(new URL("../src/argocd/main.ts", import.meta.url)), ...process.argv.slice(2)]);
