import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { foreignCaller, isLoopbackName, originName } from "./foreign-caller.ts";

function refusal(headers: Record<string, string>, { method = "GET", url = "/" } = {}): string | undefined {
  const rawHeaders = Object.entries(headers).flat();
  return foreignCaller({ method, url, headers, rawHeaders }, isLoopbackName);
}

describe("a request is ours", () => {
  for (const host of [
    "localhost",
    "LocalHost:30102",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.244.0.3:80",
    "[::1]",
    "[::1]:9",
  ]) {
    test(`by Host ${host}`, () => assert.equal(refusal({ host }), undefined));
  }
  for (const host of [
    ...[
      "",
      "evil.example",
      "localhost.evil.com",
      "evil.com:80",
      "127.0.0.1.evil.com",
      "127.0.0.1.",
      "localhost.",
    ],
    ...[
      "0.0.0.0",
      "192.168.1.2",
      "[::]",
      "[::ffff:127.0.0.1]",
      "[::2]:80",
      "::1",
      "2130706433",
      "0x7f.1",
      "127.1",
    ],
    ...[
      "localhost:",
      "localhost:x",
      "localhost:80:80",
      "evil@localhost",
      "localhost@evil",
      "localhost/x",
      "localhost evil",
    ],
    ...["localhost,evil.com", "localhost#", "[::1", "[localhost]", "LOCALHOST.LOCALDOMAIN", "ｌocalhost"],
  ]) {
    test(`not by Host ${JSON.stringify(host)}`, () =>
      assert.match(refusal({ host }) ?? "", /is not served here/));
  }
  const local = { host: "localhost:30102" };

  test("not without a Host, and not with two", () => {
    assert.match(refusal({}) ?? "", /not served here/);
    const rawHeaders = ["Host", "localhost", "hOST", "localhost"];
    const caller = { url: "/", headers: { host: "localhost" }, rawHeaders };
    assert.match(foreignCaller(caller, isLoopbackName) ?? "", /several hosts/);
  });

  test("by a path alone", () => {
    assert.equal(refusal(local, { url: "/a//b?x=//c" }), undefined);
    for (const url of [
      "http://localhost/",
      "http://evil.example/",
      "//",
      "//evil.example/x",
      "/\\evil.example",
      "*",
      "",
      "a",
      "localhost:80",
    ])
      assert.match(refusal(local, { url }) ?? "", /no path/, url);
  });

  test("where a page makes it, by the page's own address", () => {
    for (const origin of ["http://localhost:30102", "https://127.0.0.1:6443", "http://[::1]"])
      assert.equal(refusal({ ...local, origin }), undefined, origin);
    for (const origin of [
      "https://evil.example",
      "null",
      "",
      "file://",
      "http://localhost.evil.com",
      "chrome-extension://x",
      "http://localhost@evil.com",
      "localhost",
    ])
      assert.match(refusal({ ...local, origin }, { method: "POST" }) ?? "", /not served here/, origin);
  });

  test("where a browser says whence: from anywhere by a link that is followed, else from itself", () => {
    const from = (site: string, mode: string, dest: string, method = "GET") =>
      refusal(
        { ...local, "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest },
        { method },
      );
    assert.equal(from("none", "navigate", "document"), undefined);
    assert.equal(from("same-origin", "cors", "empty"), undefined);
    assert.equal(from("cross-site", "navigate", "document"), undefined);
    for (const [mode, dest, method] of [
      ["no-cors", "image", "GET"],
      ["no-cors", "script", "GET"],
      ["cors", "empty", "GET"],
      ["navigate", "iframe", "GET"],
      ["navigate", "document", "POST"],
      ["websocket", "empty", "GET"],
    ] as const)
      assert.match(from("cross-site", mode, dest, method) ?? "", /other sites/, `${mode} ${dest}`);
  });
});

test("whatever a Host says, it is ours only if it is a name of this machine", () => {
  const host = fc.oneof(
    fc.string(),
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.stringMatching(/^(localhost|127\.0\.0\.1)\S{0,5}$/),
  );
  fc.assert(
    fc.property(host, (text) => {
      if (refusal({ host: text }) !== undefined) return;
      assert.match(text, /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i);
    }),
  );
});

test("an origin's name is that of its host", () => {
  assert.equal(originName("http://Evil.Example:80"), "evil.example");
  for (const none of ["null", "", "data:x", "evil"]) assert.equal(originName(none), undefined, none);
});
