import { readFileSync } from "node:fs";
import { type Context, propagation } from "@opentelemetry/api";
import type { Customer } from "./customer.ts";
import type { DriverLocation } from "./driver.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import type { Telemetry } from "./telemetry.ts";
import { type Handler, httpError, httpScope, type Route, tracedGet } from "./traced-http.ts";

const minuteNs = 60_000_000_000;

export interface FrontendSettings {
  readonly basePath: string;
  readonly jaegerUi: string;
  readonly routeWorkers: number;
  readonly version: string;
  /** `host:port` of the services it calls. */
  readonly customer: string;
  readonly route: string;
  readonly findNearest: (ctx: Context, location: string) => Promise<DriverLocation[]>;
}

/** The page and `/dispatch`, which asks the three other services for the nearest car. */
export function frontendRoutes(
  settings: FrontendSettings,
  telemetry: Telemetry,
  metrics: RequestMetrics,
): Map<string, Route> {
  const log = telemetry.logger("frontend");
  const tracer = telemetry.tracer("frontend", httpScope);
  const page = readFileSync(new URL("./page.html", import.meta.url), "utf8")
    .replaceAll("{{basePath}}", settings.basePath)
    .replaceAll("{{version}}", settings.version);

  const dispatch: Handler = async (ctx, url) => {
    log("info", ctx, "HTTP request received", { method: "GET", url: `${url.pathname}${url.search}` });
    const id = url.searchParams.get("customer") ?? "";
    if (id === "") return httpError(400, "Missing required 'customer' parameter");
    if (!/^\d+$/.test(id)) return httpError(400, "Parameter 'customer' is not an integer");
    try {
      const best = await nearest(withBaggage(ctx, "customer", id), id);
      const body =
        best === undefined ? "null" : JSON.stringify({ Driver: best.driver, ETA: best.minutes * minuteNs });
      if (best !== undefined) {
        log("info", ctx, "Dispatch successful", { driver: best.driver, eta: `${best.minutes}m0s` });
      }
      return { status: 200, body, contentType: "application/json" };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log("error", ctx, "request failed", { error: message });
      return httpError(500, message);
    }
  };

  async function nearest(ctx: Context, id: string) {
    log("info", ctx, "Getting customer", { customer_id: id });
    const answer = await tracedGet(tracer, ctx, `http://${settings.customer}/customer?customer=${id}`);
    if (answer.status !== 200) throw new Error(answer.body);
    const customer = JSON.parse(answer.body) as Customer; // answered by our own customer service
    log("info", ctx, "Found customer");
    log("info", ctx, "Finding nearest drivers", { location: customer.Location });
    const drivers = await settings.findNearest(ctx, customer.Location);
    log("info", ctx, "Found drivers");
    const routes = await eachWithWorkers(drivers, settings.routeWorkers, async ({ driverID, location }) => {
      log("info", ctx, "Finding route", { pickup: location, dropoff: customer.Location });
      const query = new URLSearchParams({ dropoff: customer.Location, pickup: location });
      const { status, body } = await tracedGet(tracer, ctx, `http://${settings.route}/route?${query}`);
      if (status !== 200) throw new Error(body);
      const { ETA } = JSON.parse(body) as { ETA: number }; // answered by our own route service
      return { driver: driverID, minutes: ETA / minuteNs };
    });
    log("info", ctx, "Found routes");
    return routes.reduce<{ driver: string; minutes: number } | undefined>(
      (best, route) => (best === undefined || route.minutes < best.minutes ? route : best),
      undefined,
    );
  }

  const config = async () => ({
    status: 200,
    body: JSON.stringify({ jaeger: settings.jaegerUi }),
    contentType: "application/json",
  });
  const at = (path: string) => `${settings.basePath}${path}`;
  return new Map<string, Route>([
    [
      at("/"),
      { tracer, handle: async () => ({ status: 200, body: page, contentType: "text/html; charset=utf-8" }) },
    ],
    [at("/dispatch"), { tracer, handle: dispatch }],
    [at("/config"), { tracer, handle: config }],
    [
      at("/metrics"),
      {
        handle: async () => ({
          status: 200,
          body: metrics.render(),
          contentType: "text/plain; version=0.0.4; charset=utf-8",
        }),
      },
    ],
    [
      at("/debug/vars"),
      { handle: async () => ({ status: 200, body: "{}", contentType: "application/json" }) },
    ],
  ]);
}

/** Runs `task` over the items, `workers` at a time, and keeps the items' order. */
async function eachWithWorkers<T, R>(
  items: readonly T[],
  workers: number,
  task: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: Math.min(workers, items.length) }, async () => {
      for (const [index, item] of queue) results[index] = await task(item);
    }),
  );
  return results;
}

function withBaggage(ctx: Context, key: string, value: string): Context {
  const baggage = propagation.getBaggage(ctx) ?? propagation.createBaggage();
  return propagation.setBaggage(ctx, baggage.setEntry(key, { value }));
}
