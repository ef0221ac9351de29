export { type PluginEnvironment, runArgoRollouts } from "./program.ts";
