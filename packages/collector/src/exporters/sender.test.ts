import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OtlpClient } from "@tracegate/otlp";
import { decodeJson, Payload, PermanentError, StatusError } from "@tracegate/otlp";
import { keptContext, ManualClock, settle } from "../../testing/index.ts";
import { queueSettings, retrySettings } from "./queue-settings.ts";
import { Sender } from "./sender.ts";

const ONE = Payload.fromModel(
  "traces",
  decodeJson("traces", '{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}'),
);
const DOWN = new StatusError("Unavailable", "down");

/** A sender whose server does what `answer` says, call by call. */
async function setUp(
  answer: (call: number) => Error | Promise<void> | undefined,
  queue: object = {},
  retry: object = {},
) {
  const clock = new ManualClock();
  const context = keptContext(clock);
  let calls = 0;
  const client: OtlpClient = {
    close: async () => undefined,
    async send() {
      const said = answer(++calls);
      if (said instanceof Error) throw said;
      await said;
      return undefined;
    },
  };
  const sender = new Sender(
    context,
    "traces",
    retrySettings.read(retry, "", []),
    queueSettings.read(queue, "", []),
    async () => client,
  );
  await sender.start();
  return { clock, sender, lines: context.lines, calls: () => calls };
}

describe("a sender", () => {
  test("delivers what could not be delivered at first, when the server is back", async () => {
    const { clock, sender, calls, lines } = await setUp((call) => (call <= 3 ? DOWN : undefined));
    await sender.consume(ONE);
    await clock.advance(4999);
    assert.equal(calls(), 1);
    await clock.advance(1);
    assert.equal(calls(), 2);
    await clock.advance(7500);
    assert.equal(calls(), 3);
    await clock.advance(11_250);
    assert.equal(calls(), 4);
    await clock.advance(60_000);
    assert.equal(calls(), 4);
    assert.match(lines[0] ?? "", /Exporting failed. Will retry the request after interval.*"interval": "5s"/);
  });

  test("gives up after max_elapsed_time", async () => {
    const { clock, sender, calls, lines } = await setUp(
      () => DOWN,
      {},
      { max_elapsed_time: "10s", max_interval: "5s" },
    );
    await sender.consume(ONE);
    await clock.advance(60_000);
    assert.equal(calls(), 3);
    assert.match(
      lines.at(-1) ?? "",
      /Exporting failed. Dropping data.*no more retries left: rpc error: code = Unavailable desc = down/,
    );
  });

  test("does not repeat what is refused for good", async () => {
    for (const error of [
      new PermanentError("no"),
      new StatusError("InvalidArgument", "no"),
      new StatusError("ResourceExhausted", "no"),
    ]) {
      const { clock, sender, calls, lines } = await setUp(() => error);
      await sender.consume(ONE);
      await clock.advance(60_000);
      assert.equal(calls(), 1);
      assert.match(lines.at(-1) ?? "", /not retryable error: Permanent error/);
    }
  });

  test("waits as long as the server asks", async () => {
    const { clock, sender, calls } = await setUp((call) =>
      call === 1 ? new StatusError("ResourceExhausted", "later", 20_000) : undefined,
    );
    await sender.consume(ONE);
    await clock.advance(19_999);
    assert.equal(calls(), 1);
    await clock.advance(1);
    assert.equal(calls(), 2);
  });

  test("refuses what its queue has no room for", async () => {
    const { sender, lines } = await setUp(() => new Promise<void>(() => undefined), {
      num_consumers: 1,
      queue_size: 2,
    });
    await sender.consume(ONE);
    await settle();
    await sender.consume(ONE);
    await sender.consume(ONE);
    await assert.rejects(sender.consume(ONE), { message: "sending queue is full" });
    assert.match(lines.at(-1) ?? "", /Exporting failed. Rejecting data.*sending queue is full/);
  });

  test("makes the pipeline wait instead, when told to", async () => {
    const first = Promise.withResolvers<void>();
    const { sender } = await setUp((call) => (call === 1 ? first.promise : undefined), {
      num_consumers: 1,
      queue_size: 1,
      block_on_overflow: true,
    });
    await sender.consume(ONE);
    await settle();
    await sender.consume(ONE);
    let taken = false;
    const third = sender.consume(ONE).then(() => {
      taken = true;
    });
    await settle();
    assert.equal(taken, false);
    first.resolve();
    await third;
    assert.equal(taken, true);
  });

  test("without a queue tells the pipeline of the failure", async () => {
    const { sender } = await setUp(() => new PermanentError("no"), { enabled: false });
    await assert.rejects(sender.consume(ONE), { message: "not retryable error: Permanent error: no" });
  });

  test("empties its queue at shutdown", async () => {
    const { sender, calls } = await setUp(() => undefined, { num_consumers: 1 });
    for (let i = 0; i < 5; i++) await sender.consume(ONE);
    await sender.shutdown();
    assert.equal(calls(), 5);
  });

  test("at shutdown drops what cannot be delivered, and says so", async () => {
    const { sender, lines } = await setUp(() => DOWN, { num_consumers: 1 });
    await sender.consume(ONE);
    await settle();
    await sender.shutdown();
    assert.match(lines.at(-1) ?? "", /Dropping data.*interrupted due to shutdown/);
  });
});
