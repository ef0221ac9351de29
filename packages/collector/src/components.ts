import type { Components } from "./component.ts";
import { spanMetricsConnector } from "./connectors/spanmetrics/connector.ts";
import { debugExporter } from "./exporters/debug/exporter.ts";
import { nopExporter } from "./exporters/nop.ts";
import { otlpExporter } from "./exporters/otlp.ts";
import { otlpHttpExporter } from "./exporters/otlphttp.ts";
import { prometheusExporter } from "./exporters/prometheus/exporter.ts";
import { healthCheckExtension } from "./extensions/health-check.ts";
import { otlpReceiver } from "./receivers/otlp.ts";

/** All that a configuration may name. Anything else is an unknown type, and the error lists these. */
export const components: Components = {
  receivers: [otlpReceiver],
  processors: [],
  exporters: [debugExporter, nopExporter, otlpExporter, otlpHttpExporter, prometheusExporter],
  connectors: [spanMetricsConnector],
  extensions: [healthCheckExtension],
};
