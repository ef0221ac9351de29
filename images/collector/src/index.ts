/** How the kubelet finds and starts this image. Plain data. */
export const image = {
  repositories: ["otel/opentelemetry-collector-contrib", "otel/opentelemetry-collector"],
  entry: "images/collector/src/main.ts",
} as const;
