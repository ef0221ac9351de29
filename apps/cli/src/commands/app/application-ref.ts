import type { Application } from "@tracegate/gitops";

/** Applications live in the control plane's namespace. */
export const appNamespace = {
  flags: "-N, --app-namespace <name>",
  help: "namespace of the Application",
  default: "argocd",
} as const;

export const refreshed = ({ metadata }: Application): boolean =>
  metadata.annotations?.["argocd.argoproj.io/refresh"] === undefined;
