/** podinfo as the image catalogue knows it. */
export const podinfoImage = {
  repositories: ["stefanprodan/podinfo", "ghcr.io/stefanprodan/podinfo"],
  tags: ["6.8.0", "6.9.3"],
  /** Below the project's root; run by Node. */
  entry: "images/podinfo/src/main.ts",
  /** Where the image has its program, for commands that name it, and what of the project stands for it. */
  workingDir: "/home/app",
  files: { "/home/app": "images/podinfo/bin" },
  /** What it has on its PATH besides the system's. */
  commands: "images/podinfo/bin",
} as const;
