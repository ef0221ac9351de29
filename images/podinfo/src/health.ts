import { type Answer, json } from "./answer.ts";
import type { Context } from "./context.ts";

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
