import type { Server } from "node:http";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Chance } from "./chance.ts";
import { customerRoutes } from "./customer.ts";
import { DriverService } from "./driver.ts";
import { driverClient, serveDriver } from "./driver-rpc.ts";
import { frontendRoutes } from "./frontend.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { routeRoutes } from "./route.ts";
import type { Service, Settings } from "./settings.ts";
import { createTelemetry } from "./telemetry.ts";
import { createTracedServer, type Route } from "./traced-http.ts";

/** Starts the services that the settings name; resolves once all of them listen. */
export async function startHotrod(options: {
  settings: Settings;
  version: string;
  env: Readonly<Record<string, string | undefined>>;
  chance: Chance;
  write: (line: string) => void;
  exporter?: SpanExporter;
}): Promise<{ close(): Promise<void> }> {
  const { settings, version, env, chance, write, exporter } = options;
  const metrics = new RequestMetrics();
  const telemetry = createTelemetry({ env, observers: [metrics], write, ...(exporter && { exporter }) });
  const { hosts, ports } = settings;
  const closers: (() => void)[] = [];

  const listen = async (service: Service, routes: Map<string, Route>): Promise<void> => {
    const server: Server = createTracedServer(routes, ports[service]);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(ports[service], hosts[service], resolve);
    });
    closers.push(() => {
      server.close();
      server.closeAllConnections();
    });
  };
  const start: Record<Service, () => Promise<void>> = {
    customer: () => listen("customer", customerRoutes(settings, telemetry, chance)),
    route: () => listen("route", routeRoutes(telemetry, chance)),
    driver: async () => {
      const service = new DriverService(telemetry, chance);
      const server = await serveDriver({ service, telemetry, host: hosts.driver, port: ports.driver });
      closers.push(() => server.close());
    },
    frontend: () => {
      const findNearest = driverClient({ telemetry, host: hosts.driver, port: ports.driver });
      const customer = `${hosts.customer}:${ports.customer}`;
      const route = `${hosts.route}:${ports.route}`;
      return listen(
        "frontend",
        frontendRoutes({ ...settings, version, customer, route, findNearest }, telemetry, metrics),
      );
    },
  };
  for (const service of settings.services) {
    await start[service]();
    write(
      `${new Date().toISOString()}\tINFO\t${service}\tStarting\t${JSON.stringify({ service, port: ports[service] })}\n`,
    );
  }
  return {
    async close() {
      for (const close of closers) close();
      await telemetry.shutdown();
    },
  };
}
