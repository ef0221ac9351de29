export { type ArgocdEnvironment, runArgocd } from "./program.ts";
