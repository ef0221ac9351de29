import type { Clock } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";

/** A client whose writes take a moment to be sent, as those of a real program do that looked before: others, who are quicker, act in between. */
export function unhurried(client: ResourceClient, clock: Clock, ms: number): ResourceClient {
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await clock.after(ms);
      return call(...args);
    };
  return {
    ...client,
    create: later(client.create) as ResourceClient["create"], // the same signatures, later
    update: later(client.update) as ResourceClient["update"],
    patch: later(client.patch) as ResourceClient["patch"],
    delete: later(client.delete),
  };
}
