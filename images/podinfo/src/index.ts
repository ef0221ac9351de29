/** podinfo as the image catalogue knows it. */
export const podinfoImage = {
  repository: "stefanprodan/podinfo",
  tags: ["6.8.0", "6.9.3"],
  /** Below the project's root; run by Node. */
  entry: "images/podinfo/src/main.ts",
} as const;
