/** HotROD as the image catalogue knows it. The tags ending in -faulty and -slow are releases that a gate must refuse. */
export const hotrodImage = {
  repositories: ["jaegertracing/example-hotrod"],
  tags: ["1.75.0", "1.76.0", "1.76.0-faulty", "1.76.0-slow"],
  /** Below the project's root; run by Node. */
  entry: "images/hotrod/src/main.ts",
  /** Where the image has its program, for commands that name it, and what of the project stands for it. */
  files: { "/go/bin": "images/hotrod/bin" },
} as const;
