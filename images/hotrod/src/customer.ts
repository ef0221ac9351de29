import { type Context, propagation, SpanKind, type Tracer } from "@opentelemetry/api";
import { type Chance, pause } from "./chance.ts";
import { inSpan, type Logger, type Telemetry } from "./telemetry.ts";
import { type Answer, type Handler, httpError, httpScope, type Route } from "./traced-http.ts";

export interface Customer {
  readonly ID: string;
  readonly Name: string;
  readonly Location: string;
}

const customers: readonly Customer[] = [
  { ID: "123", Name: "Rachel's_Floral_Designs", Location: "115,277" },
  { ID: "567", Name: "Amazing_Coffee_Roasters", Location: "211,653" },
  { ID: "392", Name: "Trom_Chocolatier", Location: "577,322" },
  { ID: "731", Name: "Japanese_Desserts", Location: "728,326" },
];

export interface CustomerSettings {
  readonly dbQueryDelayMs: number;
  readonly dbConnectionMutexDisabled: boolean;
  readonly failingLookups: number;
}

/** The customer service: `/customer?customer=N` from a pretended MySQL with a single connection. */
export function customerRoutes(
  settings: CustomerSettings,
  telemetry: Telemetry,
  chance: Chance,
): Map<string, Route> {
  const log = telemetry.logger("customer");
  const database = new Database(settings, telemetry, chance);
  const handle: Handler = async (ctx, url): Promise<Answer> => {
    log("info", ctx, "HTTP request received", { method: "GET", url: `${url.pathname}${url.search}` });
    const id = url.searchParams.get("customer") ?? "";
    if (id === "") return httpError(400, "Missing required 'customer' parameter");
    if (!/^\d+$/.test(id)) return httpError(400, "Parameter 'customer' is not an integer");
    log("info", ctx, "Loading customer", { customer_id: id });
    try {
      const customer = await database.find(ctx, id);
      return { status: 200, body: JSON.stringify(customer), contentType: "application/json" };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log("error", ctx, "request failed", { error: message });
      return httpError(500, message);
    }
  };
  return new Map<string, Route>([
    ["/customer", { tracer: telemetry.tracer("customer", httpScope), handle }],
    ["/metrics", { handle: async () => httpError(404, "endpoint moved to the frontend service") }],
  ]);
}

/** One connection behind a mutex: concurrent statements wait for each other, which is what makes HotROD's latency grow. */
class Database {
  readonly #settings: CustomerSettings;
  readonly #tracer: Tracer;
  readonly #log: Logger;
  readonly #chance: Chance;
  /** The requests (their baggage member `request`) that hold or wait for the connection; the first holds it. */
  readonly #queue: { request: string; acquired: () => void }[] = [];
  #lookups = 0;

  constructor(settings: CustomerSettings, telemetry: Telemetry, chance: Chance) {
    this.#settings = settings;
    this.#tracer = telemetry.tracer("mysql", "mysql");
    this.#log = telemetry.logger("mysql");
    this.#chance = chance;
  }

  find(ctx: Context, id: string): Promise<Customer> {
    const span = this.#tracer.startSpan(
      "SQL SELECT",
      {
        kind: SpanKind.CLIENT,
        attributes: {
          "peer.service": "mysql",
          "sql.query": `SELECT * FROM customer WHERE customer_id=${id}`,
        },
      },
      ctx,
    );
    return inSpan(span, ctx, async (spanCtx) => {
      const { dbQueryDelayMs, dbConnectionMutexDisabled } = this.#settings;
      if (!dbConnectionMutexDisabled) {
        const request = propagation.getBaggage(ctx)?.getEntry("request")?.value ?? "";
        span.setAttribute("request", request);
        await this.#lock(spanCtx, request);
      }
      try {
        await pause(this.#chance, dbQueryDelayMs, dbQueryDelayMs / 10);
        if (this.#fails()) throw new Error("connection to the customer database was lost");
      } finally {
        if (!dbConnectionMutexDisabled) this.#unlock();
      }
      const customer = customers.find(({ ID }) => ID === id);
      if (customer === undefined) throw new Error("invalid customer ID");
      return customer;
    });
  }

  /** Spreads the failing share evenly over the look-ups: 0.8 is four of five. */
  #fails(): boolean {
    const { failingLookups } = this.#settings;
    this.#lookups += 1;
    return Math.floor(this.#lookups * failingLookups) > Math.floor((this.#lookups - 1) * failingLookups);
  }

  async #lock(ctx: Context, request: string): Promise<void> {
    const before = this.#queue.map((waiting) => waiting.request);
    const acquired = Promise.withResolvers<void>();
    this.#queue.push({ request, acquired: acquired.resolve });
    if (before.length > 0) {
      this.#log("info", ctx, `Waiting for lock behind ${before.length} transactions`, {
        blockers: goList(before),
      });
      await acquired.promise;
    }
    const behind = this.#queue.slice(1).map((waiting) => waiting.request);
    this.#log("info", ctx, `Acquired lock; ${behind.length} transactions waiting behind`, {
      waiters: goList(behind),
    });
  }

  #unlock(): void {
    this.#queue.shift();
    this.#queue[0]?.acquired();
  }
}

/** A slice as Go's `%v` prints it. */
const goList = (items: readonly string[]): string => `[${items.join(" ")}]`;
