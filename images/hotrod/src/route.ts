import { propagation } from "@opentelemetry/api";
import { type Chance, normal, pause } from "./chance.ts";
import type { Telemetry } from "./telemetry.ts";
import { type Handler, httpError, httpScope, type Route } from "./traced-http.ts";

const minuteNs = 60_000_000_000;

/** The route service: `/route?pickup=x,y&dropoff=x,y` answers an estimated time of arrival in nanoseconds. */
export function routeRoutes(telemetry: Telemetry, chance: Chance): Map<string, Route> {
  const log = telemetry.logger("route");
  const secondsBy = { customer: new Map<string, number>(), session: new Map<string, number>() };
  const handle: Handler = async (ctx, url) => {
    log("info", ctx, "HTTP request received", { method: "GET", url: `${url.pathname}${url.search}` });
    const pickup = url.searchParams.get("pickup") ?? "";
    const dropoff = url.searchParams.get("dropoff") ?? "";
    if (pickup === "") return httpError(400, "Missing required 'pickup' parameter");
    if (dropoff === "") return httpError(400, "Missing required 'dropoff' parameter");
    const started = performance.now();
    await pause(chance, 50, 12.5);
    const minutes = Math.floor(Math.max(2, normal(chance, 5, 3)));
    const seconds = (performance.now() - started) / 1000;
    for (const by of ["customer", "session"] as const) {
      const member = propagation.getBaggage(ctx)?.getEntry(by)?.value;
      if (member !== undefined) secondsBy[by].set(member, (secondsBy[by].get(member) ?? 0) + seconds);
    }
    const body = JSON.stringify({ Pickup: pickup, Dropoff: dropoff, ETA: minutes * minuteNs });
    return { status: 200, body, contentType: "application/json" };
  };
  const variables = async () => ({
    status: 200,
    contentType: "application/json",
    body: JSON.stringify({
      "route.calc.by.customer.sec": Object.fromEntries(secondsBy.customer),
      "route.calc.by.session.sec": Object.fromEntries(secondsBy.session),
    }),
  });
  return new Map<string, Route>([
    ["/route", { tracer: telemetry.tracer("route", httpScope), handle }],
    ["/debug/vars", { handle: variables }],
    ["/metrics", { handle: async () => httpError(404, "endpoint moved to the frontend service") }],
  ]);
}
