import { type Answer, json } from "./answer.ts";
import type { Context } from "./routes.ts";

/** What the probes say; `/readyz/disable` and the end of the process change it. */
export interface Health {
  healthy: boolean;
  ready: boolean;
}

export function healthy({ health }: Context): Answer {
  return probe(health.healthy);
}

export function ready({ health }: Context): Answer {
  return probe(health.ready);
}

export function setReady(ready: boolean) {
  return ({ health }: Context): Answer => {
    health.ready = ready;
    return { status: 202 };
  };
}

function probe(good: boolean): Answer {
  return good ? json({ status: "OK" }) : { status: 503 };
}
