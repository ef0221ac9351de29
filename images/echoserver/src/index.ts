/** echoserver as the image catalogue knows it. */
export const echoserverImage = {
  repositories: ["registry.k8s.io/e2e-test-images/echoserver"],
  tags: ["2.5"],
  /** Below the project's root; run by Node. */
  entry: "images/echoserver/src/main.ts",
  /** What it has on its PATH besides the system's. */
  commands: "images/echoserver/bin",
} as const;
