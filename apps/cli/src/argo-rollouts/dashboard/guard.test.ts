import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "./guard.ts";

type Headers = Readonly<Record<string, string>>;

const here = { host: "127.0.0.1:3100" };
const site = (name: string, mode = "cors") => ({ "sec-fetch-site": name, "sec-fetch-mode": mode });
const open = (name: string) => ({ ...site(name, "navigate"), "sec-fetch-dest": "document" });
const page = {
  ...here,
  ...site("same-origin"),
  origin: "http://127.0.0.1:3100",
  "x-tracegate-token": "t",
};
const without = (headers: Headers, name: string): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));

const reads: readonly [what: string, headers: Headers, refused?: RegExp][] = [
  ["a person who opens the page", { ...here, ...open("none") }],
  ["a link on a foreign page", { ...here, ...open("cross-site") }],
  ["a link on a page of another port", { ...here, ...open("same-site") }],
  ["our page", { ...here, ...site("same-origin") }],
  ["curl", { host: "localhost:3100" }],
  ["a foreign page", { ...here, ...site("cross-site", "no-cors") }, /other sites/],
  ["a page of another port", { ...here, ...site("same-site") }, /other ports/],
  ["a page whose name was rebound", { ...site("same-origin"), host: "evil.example:3100" }, /not served here/],
  ["a page whose name only begins well", { host: "localhost.evil.example" }, /not served here/],
];
const changes: readonly [what: string, headers: Headers, refused?: RegExp][] = [
  ["our page", page],
  ["our page at its other name", { ...page, host: "localhost:3100", origin: "http://localhost:3100" }],
  ["our page in an old browser", without(page, "sec-fetch-site")],
  ["curl with the token", { host: "localhost:3100", "x-tracegate-token": "t" }],
  ["curl without it", { host: "localhost:3100" }, /token/],
  ["our page of an earlier start", { ...page, "x-tracegate-token": "old" }, /token/],
  ["our page without its token", without(page, "x-tracegate-token"), /token/],
  ["a form on our page", without(without(page, "x-tracegate-token"), "origin"), /token/],
  ["a foreign page", { ...page, ...site("cross-site"), origin: "https://evil.example" }, /not served/],
  ["a foreign page that hides its name", { ...page, ...site("cross-site"), origin: "null" }, /not served/],
  ["a page of another port", { ...page, ...site("same-site"), origin: "http://127.0.0.1:80" }, /other ports/],
  [
    "a page of another port in an old browser",
    { ...without(page, "sec-fetch-site"), origin: "http://127.0.0.1:80" },
    /other ports/,
  ],
  [
    "a page whose name was rebound",
    { ...page, host: "evil.example", origin: "http://evil.example" },
    /not served/,
  ],
];

for (const [verb, method, cases] of [
  ["reads", "GET", reads],
  ["changes something", "PUT", changes],
] as const)
  for (const [what, headers, refused] of cases)
    test(`${what} that ${verb} is ${refused === undefined ? "served" : "refused"}`, () => {
      const rawHeaders = Object.entries(headers).flat();
      const text = refusal({ method, url: "/rollouts/", headers, rawHeaders }, "t");
      if (refused === undefined) assert.equal(text, undefined);
      else assert.match(text ?? "", refused);
    });
