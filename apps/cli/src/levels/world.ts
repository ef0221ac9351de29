import { ProblemError } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import type { World } from "./level.ts";

/** The world behind a client and the HTTP APIs of Prometheus and Jaeger. */
export function worldOf(
  client: ResourceClient,
  urls: { readonly prometheus: string; readonly jaeger: string },
): World {
  return {
    client,
    async query(promql) {
      const params = new URLSearchParams({ query: promql });
      const answer = (await getJson(`${urls.prometheus}/api/v1/query?${params}`, "Prometheus")) as {
        data?: { result?: { value: [number, string] }[] };
      }; // Prometheus' envelope
      return (answer.data?.result ?? []).map(({ value }) => Number(value[1]));
    },
    async tracedServices() {
      const answer = (await getJson(`${urls.jaeger}/api/services`, "Jaeger")) as { data?: string[] | null }; // Jaeger's envelope
      return answer.data ?? [];
    },
  };
}

async function getJson(url: string, what: string): Promise<unknown> {
  try {
    return await (await fetch(url)).json();
  } catch (error) {
    throw new ProblemError({
      code: "unreachable/telemetry",
      where: url,
      message: `${what} does not answer (${error instanceof Error ? error.message : error})`,
      advice: `Name another with --${what.toLowerCase()} URL`,
    });
  }
}
