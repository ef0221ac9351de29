import type { Api } from "../core/api.ts";

/** Counts requests, and writes them as Prometheus reads them. */
export class RequestMetrics {
  readonly #requests = new Map<string, number>();

  count(verb: string, resource: string, code: number): void {
    const key = `code="${code}",resource="${resource}",verb="${verb.toUpperCase()}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
  }

  render(api: Api): string {
    const lines = [
      "# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, resource and code.",
      "# TYPE apiserver_request_total counter",
      ...[...this.#requests].map(([labels, value]) => `apiserver_request_total{${labels}} ${value}`),
      "# HELP apiserver_storage_objects Number of stored objects by resource.",
      "# TYPE apiserver_storage_objects gauge",
    ];
    const seen = new Set<string>();
    for (const { collection } of api.kinds.all()) {
      if (seen.has(collection)) continue;
      seen.add(collection);
      const count = api.store.count(`${collection}/`);
      if (count > 0) lines.push(`apiserver_storage_objects{resource="${collection}"} ${count}`);
    }
    return `${lines.join("\n")}\n`;
  }
}
