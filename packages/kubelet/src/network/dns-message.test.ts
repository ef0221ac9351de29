import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DnsFormatError, decodeQuery, encodeResponse, recordType, responseCode } from "./dns-message.ts";

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join("."));

function queryBytes(options: { id: number; name: string; type: number; udpSize?: number }): Buffer {
  const labels = options.name.split(".").flatMap((part) => [Buffer.from([part.length]), Buffer.from(part)]);
  const header = Buffer.from([
    options.id >> 8,
    options.id & 255,
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    options.udpSize === undefined ? 0 : 1,
  ]);
  const question = Buffer.concat([...labels, Buffer.from([0, options.type >> 8, options.type & 255, 0, 1])]);
  const size = options.udpSize ?? 0;
  const opt =
    options.udpSize === undefined ? [] : [Buffer.from([0, 0, 41, size >> 8, size & 255, 0, 0, 0, 0, 0, 0])];
  return Buffer.concat([header, question, ...opt]);
}

test("a question is read as it was asked, in lower case", () => {
  fc.assert(
    fc.property(
      fc.nat(65_535),
      name,
      fc.constantFrom(1, 28, 33),
      fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
      (id, text, type, udpSize) => {
        const query = decodeQuery(
          queryBytes({ id, name: text.toUpperCase(), type, ...(udpSize === undefined ? {} : { udpSize }) }),
        );
        assert.deepEqual(query.question, { name: text, type, class: 1 });
        assert.equal(query.id, id);
        assert.equal(query.udpSize, udpSize === undefined ? 512 : Math.min(4096, Math.max(512, udpSize)));
      },
    ),
  );
});

test("any bytes are a query or a format error, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        decodeQuery(bytes);
      } catch (error) {
        assert.ok(error instanceof DnsFormatError, String(error));
      }
    }),
  );
});

test("an answer carries its records byte for byte", () => {
  const query = decodeQuery(queryBytes({ id: 0x1234, name: "a.b", type: recordType.A }));
  const bytes = encodeResponse(query, responseCode.noError, [
    { name: "a.b", ttl: 5, type: "CNAME", target: "c" },
    { name: "c", ttl: 5, type: "A", address: "10.96.0.1" },
    { name: "c", ttl: 5, type: "SRV", port: 80, target: "c" },
  ]);
  assert.equal(
    bytes.toString("hex"),
    ["1234", "8580", "0001", "0003", "0000", "0000"].join("") +
      "0161016200" +
      "00010001" +
      "0161016200" +
      "00050001" +
      "00000005" +
      "0003" +
      "016300" +
      "016300" +
      "00010001" +
      "00000005" +
      "0004" +
      "0a600001" +
      "016300" +
      "00210001" +
      "00000005" +
      "0009" +
      "00000064" +
      "0050" +
      "016300",
  );
});

test("an answer over the client's size is cut and says so, so that it asks again over TCP", () => {
  const query = decodeQuery(queryBytes({ id: 1, name: "many", type: recordType.A }));
  const answers = Array.from({ length: 60 }, (_, i) => ({
    name: "many",
    ttl: 5,
    type: "A" as const,
    address: `10.244.0.${i}`,
  }));
  const cut = encodeResponse(query, responseCode.noError, answers, query.udpSize);
  assert.ok(cut.length <= 512);
  assert.equal(cut.readUInt16BE(2) & 0x0200, 0x0200);
  assert.equal(cut.readUInt16BE(6), 0);
  assert.ok(encodeResponse(query, responseCode.noError, answers).length > 512);
});
