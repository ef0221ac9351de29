// A small shop. Prices are looked up in a store that is slow at times; each request is a span, sent by OTLP over HTTP as
// plain JSON, so that the example needs nothing but Node. A program of your own would use an OpenTelemetry SDK.
// The version is the image's tag: one that ends in `-bad` fails each third request.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

const { PORT = "8080", TRACEGATE_TAG = "dev", OTEL_SERVICE_NAME = "shop" } = process.env;
const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_RESOURCE_ATTRIBUTES = "" } = process.env;
// Where pods share one network, the pod's address has to be asked for.
const host = process.env.TRACEGATE_BIND_ADDRESS ?? "0.0.0.0";
const isBad = TRACEGATE_TAG.endsWith("-bad");
let requests = 0;
let failures = 0;

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://shop").pathname;
  if (path === "/metrics") return response.end(metrics());
  const started = now();
  requests += 1;
  const fails = isBad && requests % 3 === 0;
  setTimeout(
    () => {
      if (fails) failures += 1;
      response.writeHead(fails ? 500 : 200, { "content-type": "application/json" });
      response.end(
        `${JSON.stringify(fails ? { error: "no price" } : { price: 42, version: TRACEGATE_TAG })}\n`,
      );
      record({ name: `${request.method} ${path}`, started, ended: now(), status: fails ? 500 : 200 });
    },
    5 + Math.random() * 20,
  );
});
server.listen(Number(PORT), host, () => console.log(`version ${TRACEGATE_TAG} listens on ${host}:${PORT}`));

function metrics() {
  return `# TYPE shop_requests_total counter
shop_requests_total{error="false"} ${requests - failures}
shop_requests_total{error="true"} ${failures}
`;
}

// OTLP: spans are kept for half a second and sent together.
const now = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
const attribute = (key, value) => ({
  key,
  value: typeof value === "number" ? { intValue: value } : { stringValue: value },
});
const resource = {
  attributes: [
    attribute("service.name", OTEL_SERVICE_NAME),
    ...OTEL_RESOURCE_ATTRIBUTES.split(",")
      .filter((pair) => pair.includes("="))
      .map((pair) => attribute(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1))),
  ],
};
/** At most this many spans wait; more than that are not worth the memory. */
const maxSpans = 1000;
let spans = [];

function record({ name, started, ended, status }) {
  if (OTEL_EXPORTER_OTLP_ENDPOINT === undefined || spans.length >= maxSpans) return;
  spans.push({
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
    name,
    kind: 2, // SERVER
    startTimeUnixNano: String(started),
    endTimeUnixNano: String(ended),
    attributes: [attribute("http.response.status_code", status)],
    status: status >= 500 ? { code: 2, message: "no price" } : {},
  });
}

async function send() {
  const batch = spans;
  spans = [];
  if (batch.length === 0) return;
  const body = JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "shop" }, spans: batch }] }],
  });
  try {
    const headers = { "content-type": "application/json" };
    await fetch(`${OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`, { method: "POST", headers, body });
  } catch (error) {
    console.error(`spans were not sent: ${error.cause?.message ?? error.message}`);
  }
}
const sending = setInterval(send, 500);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    clearInterval(sending);
    server.close();
    await send();
    process.exit(0);
  });
}
