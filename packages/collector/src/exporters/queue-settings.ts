import type { Config } from "../config/fields.ts";
import { bool, duration, float, int, optional, struct, text, unsupported } from "../config/fields.ts";

/** `retry_on_failure` and `sending_queue`, which all exporters that talk to a server share. */
export const retrySettings = optional(
  struct({
    initial_interval: duration(5000),
    randomization_factor: float(0.5),
    multiplier: float(1.5),
    max_interval: duration(30_000),
    max_elapsed_time: duration(300_000),
  }),
  true,
);

export const queueSettings = optional(
  struct({
    num_consumers: int(10),
    queue_size: int(1000),
    sizer: text("requests"),
    block_on_overflow: bool(false),
    wait_for_result: unsupported,
    storage: unsupported,
    batch: unsupported,
  }),
  true,
);

export type RetrySettings = Config<typeof retrySettings>;
export type QueueSettings = Config<typeof queueSettings>;

export function validateSending(retry: RetrySettings, queue: QueueSettings): string[] {
  const problems: string[] = [];
  if (retry !== undefined) {
    const { initial_interval, randomization_factor, multiplier, max_interval, max_elapsed_time } = retry;
    const say = (what: string) => problems.push(`retry_on_failure: ${what}`);
    if (initial_interval < 0) say("'initial_interval' must be non-negative");
    if (randomization_factor < 0 || randomization_factor > 1)
      say("'randomization_factor' must be within [0, 1]");
    if (multiplier < 0) say("'multiplier' must be non-negative");
    if (max_interval < 0) say("'max_interval' must be non-negative");
    if (max_elapsed_time < 0) say("'max_elapsed_time' must be non-negative");
    if (max_elapsed_time > 0 && max_elapsed_time < initial_interval) {
      say("'max_elapsed_time' must not be less than 'initial_interval'");
    }
    if (max_elapsed_time > 0 && max_elapsed_time < max_interval) {
      say("'max_elapsed_time' must not be less than 'max_interval'");
    }
  }
  if (queue !== undefined) {
    const say = (what: string) => problems.push(`sending_queue: ${what}`);
    if (queue.num_consumers <= 0) say("`num_consumers` must be positive");
    if (queue.queue_size <= 0) say("`queue_size` must be positive");
    if (queue.sizer !== "requests" && queue.sizer !== "items" && queue.sizer !== "bytes") {
      say(`invalid sizer: ${JSON.stringify(queue.sizer)}`);
    }
  }
  return problems;
}
