export { bundledImages } from "./bundled-images.ts";
export type { Configuration, OwnImage } from "./configuration.ts";
export { configurationFile, parseConfiguration, readConfiguration } from "./configuration.ts";
export { ownImage } from "./own-images.ts";
export type { Platform, PlatformOptions } from "./platform.ts";
export { startPlatform } from "./platform.ts";
export { portHolder } from "./port-holder.ts";
export { chooseSandbox, foreignSystem, type SandboxChoice, sandboxChoices } from "./sandbox-choice.ts";
export type { RunningPlatform, StateDirectory } from "./state-directory.ts";
export {
  claimStateDirectory,
  makeDirectory,
  openStateDirectory,
  runningPlatform,
  stateDirectory,
} from "./state-directory.ts";
