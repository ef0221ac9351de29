import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal, type Sender } from "./guard.ts";

const page = {
  host: "127.0.0.1:3100",
  origin: "http://127.0.0.1:3100",
  fetchSite: "same-origin",
  token: "t",
};
const get = { method: "GET", host: "localhost:3100" };
const put = { method: "PUT", ...page };
const without = (sender: Sender, ...names: (keyof Sender)[]): Sender => {
  const left: Sender = { ...sender };
  for (const name of names) Reflect.deleteProperty(left, name);
  return left;
};

const cases: readonly [what: string, sender: Sender, refused: RegExp | undefined][] = [
  ["a person who opens the page", { ...get, fetchSite: "none", fetchMode: "navigate" }, undefined],
  ["a link on a foreign page", { ...get, fetchSite: "cross-site", fetchMode: "navigate" }, undefined],
  ["a script that reads", get, undefined],
  ["a foreign page that reads", { ...get, fetchSite: "cross-site", fetchMode: "no-cors" }, /other origins/],
  [
    "a page of another port that reads",
    { ...get, fetchSite: "same-site", fetchMode: "cors" },
    /other origins/,
  ],
  ["a name that was rebound", { ...get, host: "evil.example:3100" }, /not served here/],
  ["a name that only begins well", { ...get, host: "localhost.evil.example" }, /not served here/],
  ["no host at all", { method: "GET" }, /not served here/],
  ["our page that changes something", put, undefined],
  [
    "our page at its other name",
    { ...put, host: "localhost:3100", origin: "http://localhost:3100" },
    undefined,
  ],
  ["our page of an earlier start", { ...put, token: "old" }, /token/],
  ["our page without its token", without(put, "token"), /token/],
  ["curl", without(put, "origin", "fetchSite", "token"), undefined],
  ["a foreign page", { ...put, origin: "https://evil.example", fetchSite: "cross-site" }, /change nothing/],
  [
    "a foreign page in an old browser",
    without({ ...put, origin: "https://evil.example" }, "fetchSite"),
    /change/,
  ],
  ["a page of another port", { ...put, origin: "http://127.0.0.1:8080", fetchSite: "same-site" }, /change/],
  ["a page that hides its origin", { ...put, origin: "null" }, /change nothing/],
  [
    "a rebound page that changes something",
    { ...put, host: "evil.example", origin: "http://evil.example" },
    /not served/,
  ],
];

for (const [what, sender, refused] of cases)
  test(`${what} is ${refused === undefined ? "served" : "refused"}`, () => {
    const text = refusal(sender, "t");
    if (refused === undefined) assert.equal(text, undefined);
    else assert.match(text ?? "", refused);
  });
