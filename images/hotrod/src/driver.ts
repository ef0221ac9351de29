import { type Context, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { type Chance, pause } from "./chance.ts";
import { inSpan, type Logger, type Telemetry } from "./telemetry.ts";

export interface DriverLocation {
  readonly driverID: string;
  readonly location: string;
}

const driversFound = 10;
const attempts = 3;
/** The first and then every fifth look-up of a driver times out, so that traces have something to show. */
const timeoutEvery = 5;

/** The driver service: drivers near a location, from a pretended Redis that is asked for one driver after the other. */
export class DriverService {
  readonly #log: Logger;
  readonly #redis: Redis;

  constructor(telemetry: Telemetry, chance: Chance) {
    this.#log = telemetry.logger("driver");
    this.#redis = new Redis(telemetry, chance);
  }

  async findNearest(ctx: Context, location: string): Promise<DriverLocation[]> {
    this.#log("info", ctx, "Searching for nearby drivers", { location });
    const found: DriverLocation[] = [];
    for (const driverID of await this.#redis.findDriverIds(ctx, location)) {
      found.push({ driverID, location: await this.#locate(ctx, driverID) });
    }
    this.#log("info", ctx, "Search successful", {
      driver_count: found.length,
      locations: JSON.stringify(found),
    });
    return found;
  }

  async #locate(ctx: Context, driverID: string): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#redis.getDriver(ctx, driverID);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (attempt === attempts) {
          this.#log("error", ctx, `Failed to get driver after ${attempts} attempts`, { error: message });
          throw error;
        }
        this.#log("error", ctx, "Retrying GetDriver after error", { retry_no: attempt, error: message });
      }
    }
  }
}

class Redis {
  readonly #tracer: Tracer;
  readonly #log: Logger;
  readonly #chance: Chance;
  #lookups = 0;

  constructor(telemetry: Telemetry, chance: Chance) {
    this.#tracer = telemetry.tracer("redis-manual", "redis-manual");
    this.#log = telemetry.logger("redis-manual");
    this.#chance = chance;
  }

  findDriverIds(ctx: Context, location: string): Promise<string[]> {
    const span = this.#tracer.startSpan(
      "FindDriverIDs",
      { kind: SpanKind.CLIENT, attributes: { "param.driver.location": location } },
      ctx,
    );
    return inSpan(span, ctx, async (spanCtx) => {
      await pause(this.#chance, 20, 5);
      const drivers = Array.from(
        { length: driversFound },
        () => `T7${String(this.#upTo(100_000)).padStart(5, "0")}C`,
      );
      this.#log("info", spanCtx, "Found drivers", { drivers: `[${drivers.join(" ")}]` });
      return drivers;
    });
  }

  getDriver(ctx: Context, driverID: string): Promise<string> {
    const span = this.#tracer.startSpan(
      "GetDriver",
      { kind: SpanKind.CLIENT, attributes: { "param.driverID": driverID } },
      ctx,
    );
    return inSpan(span, ctx, async (spanCtx) => {
      await pause(this.#chance, 10, 2.5);
      if (this.#lookups++ % timeoutEvery === 0) {
        await pause(this.#chance, 20, 5);
        span.addEvent("exception", {
          "exception.type": "*errors.errorString",
          "exception.message": "redis timeout",
        });
        span.setStatus({ code: SpanStatusCode.ERROR, message: "An error occurred" });
        this.#log("error", spanCtx, "redis timeout", { driver_id: driverID, error: "redis timeout" });
        throw new Error("redis timeout");
      }
      this.#log("info", spanCtx, "Got driver's ID", { driverID });
      return `${this.#upTo(1000)},${this.#upTo(1000)}`;
    });
  }

  #upTo(limit: number): number {
    return Math.floor(this.#chance.uniform() * limit);
  }
}
