import type { Scheduler } from "@tracegate/controller-runtime";
import { type ResourceClient, StatusError, type Watch } from "@tracegate/kube";

export interface Faults {
  /** In [0, 1): that a write is refused as a conflict, before anything is written. */
  readonly conflict: number;
  /** That a write is done but its answer lost. */
  readonly lostAnswer: number;
  /** That a watch ends at an event, which it swallows. */
  readonly watchGap: number;
  /** That a watch which ends says the history is gone (410), rather than merely ending. */
  readonly expired: number;
  readonly random: () => number;
}

/** A client through which things go wrong, as they do: conflicts, lost answers, watches with gaps. Reads are right. */
export function faultyClient(client: ResourceClient, scheduler: Scheduler, faults: Faults): ResourceClient {
  const { random } = faults;
  async function write<T>(attempt: () => Promise<T>): Promise<T> {
    if (random() < faults.conflict) {
      throw new StatusError({ code: 409, reason: "Conflict", message: "injected conflict" });
    }
    const answer = await attempt();
    if (random() < faults.lostAnswer) throw new Error("injected: connection reset");
    return answer;
  }
  return {
    get: (kind, ref) => client.get(kind, ref),
    list: (kind, options) => client.list(kind, options),
    create: (kind, object, options) => write(() => client.create(kind, object, options)),
    update: (kind, object, options) => write(() => client.update(kind, object, options)),
    patch: (kind, ref, patch, options) => write(() => client.patch(kind, ref, patch, options)),
    delete: (kind, ref, options) => write(() => client.delete(kind, ref, options)),
    deleteCollection: (kind, options) => write(() => client.deleteCollection(kind, options)),
    watch(kind, options, handler) {
      let watch: Watch | undefined;
      let ended = false;
      watch = client.watch(kind, options, {
        close: (reason) => {
          if (!ended) handler.close(reason);
        },
        event(event) {
          if (ended) return;
          if (random() >= faults.watchGap) {
            handler.event(event);
            return;
          }
          ended = true;
          watch?.stop();
          const expired = new StatusError({ code: 410, reason: "Expired", message: "injected gap" });
          const reason = random() < faults.expired ? expired : undefined;
          scheduler.schedule(0, () => handler.close(reason));
        },
      });
      return {
        stop() {
          ended = true;
          watch?.stop();
        },
      };
    },
  };
}
