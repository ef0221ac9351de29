/** How the kubelet finds and starts this image. Plain data. */
export const image = {
  repositories: ["otel/opentelemetry-collector-contrib", "otel/opentelemetry-collector"],
  tags: ["*"],
  entry: "images/collector/src/main.ts",
  /** Where the images have their program, for commands that name it, and what of the project stands for it. */
  files: { "/otelcol-contrib": "images/collector/bin/otelcol", "/otelcol": "images/collector/bin/otelcol" },
} as const;
