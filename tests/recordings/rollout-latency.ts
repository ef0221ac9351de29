import { type Controller, controllerOf, type VirtualScheduler } from "@tracegate/controller-runtime";
import { Job, Pod, type Ref, type ResourceClient, undefinedIfNotFound } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";

// How long the recorded programs took, so that ours, which take no time, see the world at the same moments.

/** From looking to writing, for a Rollout: the recorded controller takes from 5 to 100 ms. */
export const rolloutWriteMs = 30;
/** The same for kube-controller-manager, which then makes pods and counts them. */
export const workloadWriteMs = 10;
/** kube-controller-manager's Job controller waits so long for more of a Job's pods to change. */
const jobBatchMs = 1000;

/**
 * The recorded controller's queue puts off a Rollout that it refused: a few milliseconds, twice as long each time, ten
 * seconds at most. A change meanwhile, be it the one that mends the spec, does not bring it forward.
 */
export function patient(
  controller: Controller<Rollout>,
  client: ResourceClient,
  scheduler: VirtualScheduler,
): Controller<Rollout> {
  const refused = new Map<string, { readonly times: number; readonly until: number }>();
  return {
    ...controller,
    async reconcile(ref, signal) {
      const { times, until } = refused.get(ref.name) ?? { times: 0, until: 0 };
      if (until > scheduler.now()) return { requeueAfterMs: until - scheduler.now() };
      const asked = await controller.reconcile(ref, signal);
      const rollout = await client.get(Rollout, ref).catch(undefinedIfNotFound);
      if (rollout?.status?.conditions?.some(({ type }) => type === "InvalidSpec") !== true) {
        refused.delete(ref.name);
        return asked;
      }
      const requeueAfterMs = Math.min(10_000, 2 ** (times + 2));
      refused.set(ref.name, { times: times + 1, until: scheduler.now() + requeueAfterMs });
      return { requeueAfterMs };
    },
  };
}

/** Looks at a Job a moment after its pods changed, in place of at once. */
export function batched(controller: Controller, scheduler: VirtualScheduler): Controller {
  let enqueue: (ref: Ref) => void = () => undefined;
  return {
    ...controller,
    triggeredBy(ask) {
      enqueue = ask;
    },
    watches: [
      {
        kind: Pod,
        map(pod) {
          for (const job of controllerOf(Job)(pod)) scheduler.schedule(jobBatchMs, () => enqueue(job));
          return [];
        },
      },
    ],
  };
}
