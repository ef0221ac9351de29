import type { Components } from "./component.ts";
import { forwardConnector } from "./connectors/forward.ts";
import { spanMetricsConnector } from "./connectors/spanmetrics/connector.ts";
import { debugExporter } from "./exporters/debug/exporter.ts";
import { fileExporter } from "./exporters/file.ts";
import { nopExporter } from "./exporters/nop.ts";
import { otlpExporter } from "./exporters/otlp.ts";
import { otlpHttpExporter } from "./exporters/otlphttp.ts";
import { prometheusExporter } from "./exporters/prometheus/exporter.ts";
import { healthCheckExtension } from "./extensions/health-check.ts";
import { attributesProcessor } from "./processors/attributes.ts";
import { batchProcessor } from "./processors/batch.ts";
import { filterProcessor } from "./processors/filter.ts";
import { memoryLimiterProcessor } from "./processors/memory-limiter.ts";
import { resourceProcessor } from "./processors/resource.ts";
import { otlpReceiver } from "./receivers/otlp.ts";

/** All that a configuration may name. Anything else is an unknown type, and the error lists these. */
export const components: Components = {
  receivers: [otlpReceiver],
  processors: [
    attributesProcessor,
    batchProcessor,
    filterProcessor,
    memoryLimiterProcessor,
    resourceProcessor,
  ],
  exporters: [debugExporter, fileExporter, nopExporter, otlpExporter, otlpHttpExporter, prometheusExporter],
  connectors: [forwardConnector, spanMetricsConnector],
  extensions: [healthCheckExtension],
};
