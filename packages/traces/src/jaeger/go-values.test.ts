import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration, parseInteger, parseStringMap, parseTime } from "./go-values.ts";

const message = (read: () => unknown): string => {
  try {
    return JSON.stringify(read());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

test("values read as Go reads them", () => {
  assert.equal(parseDuration("-1h1m.5s"), -3_660_500_000);
  assert.equal(parseInteger("-7", 64), -7);
  assert.deepEqual(parseStringMap(' {"a":"b","c":null} '), { a: "b", c: "" });
  assert.equal(parseTime("2026-11-20T21:34:09.5+01:30"), Date.UTC(2026, 10, 20, 20, 4, 9, 500));
});

test("Go's words for what is wrong", () => {
  const cases: readonly (readonly [() => unknown, string])[] = [
    [() => parseDuration("1µx"), 'time: unknown unit "\\xc2\\xb5x" in duration "1\\xc2\\xb5x"'],
    [() => parseDuration("2562048h"), 'time: invalid duration "2562048h"'],
    [() => parseInteger("2147483648", 32), 'strconv.ParseInt: parsing "2147483648": value out of range'],
    [() => parseStringMap("tru"), "invalid character ' ' in literal true (expecting 'e')"],
    [() => parseStringMap('{"a":"b",}'), "invalid character '}' looking for beginning of object key string"],
    [() => parseStringMap('{"a":[1]}'), "json: cannot unmarshal array into Go value of type string"],
    [() => parseTime("2026-02-29T21:34:09Z"), 'parsing time "2026-02-29T21:34:09Z": day out of range'],
  ];
  for (const [read, expected] of cases) assert.equal(message(read), expected);
});
