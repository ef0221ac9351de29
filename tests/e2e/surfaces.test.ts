// What the running platform opens, and everything that a web page, another user or a crooked client may try on it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type RequestOptions, request as requestTls } from "node:https";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { kubectl, kubectlJson } from "../support/kubectl.ts";
import { listeners, unixSocketsOf } from "../support/listening.ts";
import { open, type Place, requestText, sendRaw } from "../support/raw-http.ts";
import { missingTools } from "../support/tools.ts";
import { type Run, root, start, temporaryState } from "../support/tracegate.ts";

/** Marks that must turn up nowhere but where they belong. */
const inEnvironment = "users-own-environment-4711";
const inSecret = "kept-in-a-secret-4712";
const evil = "https://evil.example";

const skip = missingTools("kubectl", "git", "ps");

for (const sandbox of ["namespaced", "plain"]) {
  describe(`the surfaces of a platform (${sandbox} sandbox)`, {
    skip: skip || withoutNamespaces(sandbox),
  }, () => {
    const temporary = temporaryState();
    const state = join(temporary.path, "s");
    let platform: Run;
    const slow: { readonly socket: Socket; readonly closed: Promise<unknown> }[] = [];
    const ports = { api: 0, prometheus: 0, jaeger: 0, node: 0 };

    before(async () => {
      const args = ["--disable-warning=ExperimentalWarning", join(root, "apps/cli/src/main.ts"), "up"];
      const options = ["--ports", "free", "--sandbox", sandbox, "--state", state];
      platform = start(process.execPath, [...args, ...options], { USERS_OWN: inEnvironment });
      await platform.seen(/Serving until Ctrl-C/);
      const running = JSON.parse(readFileSync(join(state, "platform.json"), "utf8"));
      ports.api = Number(new URL(running.server).port);
      ports.prometheus = Number(new URL(running.urls.Prometheus).port);
      ports.jaeger = Number(new URL(running.urls.Jaeger).port);
      writeFileSync(join(temporary.path, "app.yaml"), application);
      kubectl(state, "apply", "-f", join(temporary.path, "app.yaml"));
      kubectl(state, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s");
      const service = kubectlJson<{ spec: { ports: { nodePort: number }[] } }>(
        state,
        "get",
        "service",
        "web",
      );
      ports.node = service.spec.ports[0]?.nodePort ?? 0;
      for (const place of [web("prometheus"), web("jaeger"), api()]) slow.push(trickle(place));
    });
    after(async () => {
      for (const { socket } of slow) socket.destroy();
      platform?.process.kill("SIGINT");
      await platform?.ended;
      temporary.remove();
    });

    const web = (name: "prometheus" | "jaeger" | "node"): Place => ({ port: ports[name] });
    const api = (): Place => ({ port: ports.api, tls: true });
    /** The platform and its agent; what pods listen on is theirs. */
    const isOurs = (line: string, pid: number) =>
      pid === platform.process.pid || line.includes(runtimeDirectory());
    const sockets = () => unixSocketsOf(platform.process.pid ?? 0);
    const runtimeDirectory = () => dirname(sockets()[0] ?? "");

    /** The three HTTP ports with a path that each answers with 200. */
    const surfaces = () => [
      { name: "Prometheus", place: web("prometheus"), path: "/-/healthy" },
      { name: "Jaeger", place: web("jaeger"), path: "/api/services" },
      { name: "Kubernetes", place: api(), path: "/livez" },
    ];

    test("every port listens on 127.0.0.1 alone, and there are no others", () => {
      const own = listeners(isOurs);
      const known = Object.values(ports);
      for (const { address, port } of own) {
        if (known.includes(port)) assert.equal(address, "127.0.0.1", `port ${port}`);
        else {
          // The cluster's services, which have no network of their own here.
          assert.equal(`${sandbox} ${address}`, "plain 127.0.0.1", `port ${port}`);
        }
      }
      assert.deepEqual(
        known.filter((port) => !own.some((one) => one.port === port)),
        [],
      );
    });

    for (const host of ["localhost", "127.0.0.1", "127.0.0.1:1", "[::1]:80", "LOCALHOST"]) {
      test(`Host ${host} is answered`, async () => {
        for (const { name, place, path } of surfaces()) {
          const { status } = await sendRaw(place, requestText(`GET ${path} HTTP/1.1`, [`Host: ${host}`]));
          assert.equal(status, 200, name);
        }
      });
    }

    const foreignHosts = [
      ...[
        "evil.example",
        "localhost.evil.com",
        "127.0.0.1.evil.com",
        "evil.com:6443",
        "localhost.",
        "0.0.0.0",
      ],
      ...[
        "192.168.0.1",
        "[::]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "evil@localhost",
        "localhost@evil.com",
        "",
      ],
    ];
    test("a foreign Host is refused, on the cluster's own sockets, too", async () => {
      for (const host of foreignHosts) {
        for (const { name, place, path } of [...surfaces(), ...clusterSockets()]) {
          const { status, body } = await sendRaw(
            place,
            requestText(`GET ${path} HTTP/1.1`, [`Host: ${host}`]),
          );
          if (name.startsWith("socket") && /^[\d.]+$|^\[/.test(host)) continue; // an address, which nobody can rebind
          assert.ok(
            status === 403 || status === 400,
            `${name} answers ${status} to ${JSON.stringify(host)}: ${body}`,
          );
        }
      }
    });
    const clusterSockets = () =>
      [
        { name: "prometheus", path: "/-/healthy" },
        { name: "jaeger", path: "/api/services" },
      ].map(({ name, path }) => ({
        name: `socket ${name}`,
        place: { path: join(runtimeDirectory(), name) },
        path,
      }));

    test("no Host, several of them, HTTP/1.0, and targets with a host of their own", async () => {
      for (const { name, place, path } of surfaces()) {
        const status = async (line: string, headers: string[]) =>
          (await sendRaw(place, requestText(line, headers))).status;
        assert.equal(await status(`GET ${path} HTTP/1.1`, []), 400, name);
        assert.equal(await status(`GET ${path} HTTP/1.0`, []), 403, name);
        assert.equal(await status(`GET ${path} HTTP/1.0`, ["Host: evil.example"]), 403, name);
        assert.equal(await status(`GET ${path} HTTP/1.0`, ["Host: localhost"]), 200, name);
        for (const two of [
          ["Host: localhost", "Host: evil.example"],
          ["Host: evil.example", "Host: localhost"],
          ["Host: localhost", "hOsT: localhost"],
        ])
          assert.ok([400, 403].includes(await status(`GET ${path} HTTP/1.1`, two)), `${name} ${two}`);
        for (const target of [
          ...[
            `http://evil.example${path}`,
            `http://localhost${path}`,
            `//evil.example${path}`,
            `/\\evil.example${path}`,
          ],
          ...["//", "*", "evil.example:80", "http://[", "///"],
        ])
          assert.ok(
            [400, 403, 404].includes(await status(`GET ${target} HTTP/1.1`, ["Host: localhost"])),
            `${name} ${target}`,
          );
        assert.ok((await status(`CONNECT evil.example:443 HTTP/1.1`, ["Host: localhost"])) !== 200, name);
        assert.equal(await status(`GET ${path} HTTP/1.1`, ["Host: localhost"]), 200, `${name} lives on`);
      }
    });

    test("no answer to a page of another site allows it to read, or to ask for more", async () => {
      for (const { name, place, path } of surfaces()) {
        for (const origin of [evil, "null", "http://localhost.evil.com"]) {
          for (const method of ["OPTIONS", "GET", "POST", "PUT", "DELETE"]) {
            const preflight = [
              "Access-Control-Request-Method: PUT",
              "Access-Control-Request-Headers: authorization",
            ];
            const headers = ["Host: localhost", `Origin: ${origin}`, "Content-Length: 0"];
            const more =
              method === "OPTIONS" ? [...preflight, "Access-Control-Request-Private-Network: true"] : [];
            const answer = await sendRaw(
              place,
              requestText(`${method} ${path} HTTP/1.1`, [...headers, ...more]),
            );
            assert.equal(answer.status, 403, `${name} ${method} ${origin}`);
            assert.doesNotMatch(answer.text, /access-control-/i);
          }
        }
        const ours = ["Host: localhost", "Origin: http://localhost"];
        const same = await sendRaw(place, requestText(`OPTIONS ${path} HTTP/1.1`, ours));
        assert.doesNotMatch(same.text, /access-control-/i, name);
        const image = [
          "Host: localhost",
          "Sec-Fetch-Site: cross-site",
          "Sec-Fetch-Mode: no-cors",
          "Sec-Fetch-Dest: image",
        ];
        assert.equal((await sendRaw(place, requestText(`GET ${path} HTTP/1.1`, image))).status, 403, name);
        const link = [
          "Host: localhost",
          "Sec-Fetch-Site: cross-site",
          "Sec-Fetch-Mode: navigate",
          "Sec-Fetch-Dest: document",
        ];
        assert.equal((await sendRaw(place, requestText(`GET ${path} HTTP/1.1`, link))).status, 200, name);
      }
    });

    test("what of the cluster lies on this machine's loopback serves no page of another site", async () => {
      const known = Object.values(ports);
      const own = listeners(isOurs);
      const others = own.filter(({ address, port }) => address === "127.0.0.1" && !known.includes(port));
      assert.equal(others.length > 0, sandbox === "plain");
      const spans = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"uninvited"}]}]}]}';
      const rebound = ["Host: evil.example", `Origin: http://evil.example`];
      const posted = [...rebound, "Content-Type: application/json", `Content-Length: ${spans.length}`];
      for (const { port } of others) {
        for (const bytes of [
          requestText("GET /-/healthy HTTP/1.1", ["Host: evil.example"]),
          requestText("GET /api/services HTTP/1.1", ["Host: evil.example"]),
          requestText("GET http://prometheus-server.prometheus/-/healthy HTTP/1.1", [
            "Host: prometheus-server.prometheus",
          ]),
          requestText("CONNECT prometheus-server.prometheus:80 HTTP/1.1", [
            "Host: prometheus-server.prometheus:80",
          ]),
          requestText("POST /v1/traces HTTP/1.1", posted, spans),
        ]) {
          const { status, text } = await sendRaw({ port }, bytes);
          assert.ok(
            !(status >= 200 && status < 300),
            `port ${port} answers ${bytes.split("\r\n")[0]}: ${text}`,
          );
        }
      }
    });

    test("the telemetry ports change nothing, whatever is posted to them", async () => {
      let before = 0;
      while (before === 0) before = await series(); // until the first scrape
      const paths = {
        prometheus: [
          ...[
            "/-/reload",
            "/-/quit",
            "/api/v1/admin/tsdb/delete_series?match[]=up",
            "/api/v1/admin/tsdb/snapshot",
          ],
          ...[
            "/api/v1/admin/tsdb/clean_tombstones",
            "/api/v1/write",
            "/api/v1/otlp/v1/metrics",
            "/api/v1/read",
          ],
          ...["/api/v1/notifications/live", "/debug/pprof/profile", "/config", "/"],
        ],
        jaeger: [
          "/v1/traces",
          "/api/traces",
          "/api/services",
          "/api/sampling",
          "/",
          "/api/v3/traces",
          "/dependencies",
        ],
      };
      const form = "match[]=up&query=up";
      for (const [name, all] of Object.entries(paths) as [keyof typeof paths, string[]][]) {
        for (const path of all) {
          for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
            for (const type of [
              "application/x-www-form-urlencoded",
              "text/plain",
              "multipart/form-data; boundary=x",
            ]) {
              const headers = ["Host: localhost", `Content-Type: ${type}`, `Content-Length: ${form.length}`];
              const { status } = await sendRaw(
                web(name),
                requestText(`${method} ${path} HTTP/1.1`, headers, form),
              );
              assert.ok(status === 404 || status === 405, `${name}: ${method} ${path} answers ${status}`);
            }
          }
        }
      }
      assert.ok((await series()) >= before);
    });
    const series = async () => {
      const path = "/api/v1/query?query=count(%7B__name__%3D~%22.%2B%22%7D)";
      const { body } = await sendRaw(
        web("prometheus"),
        requestText(`GET ${path} HTTP/1.0`, ["Host: localhost"]),
      );
      return Number(JSON.parse(body).data.result[0]?.value[1] ?? 0);
    };

    test("the pages cannot be framed, load nothing from elsewhere, and are what they say they are", async () => {
      for (const name of ["prometheus", "jaeger"] as const) {
        const { status, headers } = await sendRaw(
          web(name),
          requestText("GET / HTTP/1.1", ["Host: localhost"]),
        );
        assert.deepEqual([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
        assert.equal(headers.get("x-frame-options"), "DENY");
        assert.equal(headers.get("x-content-type-options"), "nosniff");
        assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
        assert.match(headers.get("content-security-policy") ?? "", /^default-src '(none|self)'/);
        assert.doesNotMatch(headers.get("content-security-policy") ?? "", /https?:|\*|unsafe-eval/);
      }
    });

    const configMap = (name: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });

    test("the API takes nothing without a token or certificate, and no cookie or query stands for one", async () => {
      const path = "/api/v1/namespaces/default/configmaps";
      const body = configMap("uninvited");
      const post = async (headers: string[], line = `POST ${path} HTTP/1.1`) =>
        (
          await sendRaw(
            api(),
            requestText(line, ["Host: localhost", `Content-Length: ${body.length}`, ...headers], body),
          )
        ).status;
      assert.equal(await post(["Content-Type: application/json"]), 403);
      assert.equal(await post([]), 403);
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
      ])
        assert.equal(await post([`Content-Type: ${type}`]), 403, type);
      for (const cookie of ["token=x", "Authorization=Bearer x", "argocd.token=x"])
        assert.equal(await post([`Cookie: ${cookie}`]), 403, cookie);
      for (const query of ["access_token=x", "token=x", "authorization=Bearer%20x", "as=system:admin"])
        assert.equal(await post([], `POST ${path}?${query} HTTP/1.1`), 403, query);
      for (const header of [
        ...["Impersonate-User: admin", "X-Remote-User: admin", "X-Forwarded-User: admin"],
        ...["X-Client-Cert: x", "X-HTTP-Method-Override: GET"],
      ])
        assert.equal(await post([header]), 403, header);
      for (const authorization of [
        "Bearer wrong",
        "Bearer ",
        "Basic YWRtaW46YWRtaW4=",
        "bearer a.b.c",
        "Negotiate x",
        "x",
      ])
        assert.ok([401, 403].includes(await post([`Authorization: ${authorization}`])), authorization);
      for (const line of [
        `GET ${path}`,
        "GET /api/v1/secrets",
        "GET /metrics",
        "GET /apis",
        "GET /openapi/v2",
        "DELETE /api/v1/namespaces/default",
      ])
        assert.equal(
          (await sendRaw(api(), requestText(`${line} HTTP/1.1`, ["Host: localhost"]))).status,
          403,
          line,
        );
      assert.throws(() => kubectl(state, "get", "configmap", "uninvited"), /NotFound/);
    });

    test("the API speaks TLS alone", async () => {
      const plain = await sendRaw(
        { port: ports.api },
        requestText("GET /livez HTTP/1.1", ["Host: localhost"]),
      ).catch(() => ({ status: 0 }));
      assert.ok(plain.status === 0 || plain.status === 400);
    });

    /** Who has the administrator's certificate in the browser, and visits a page. */
    test("a page cannot use a certificate that the browser holds", async () => {
      const config = kubectlJson<{ users: { user: Record<string, string> }[] }>(
        state,
        "config",
        "view",
        "--raw",
      );
      const user = config.users[0]?.user ?? {};
      const pem = (name: string) => Buffer.from(user[name] ?? "", "base64").toString();
      const cert = pem("client-certificate-data");
      const key = pem("client-key-data");
      const ask = async (options: RequestOptions, body = "") => {
        const at = { host: "127.0.0.1", port: ports.api, cert, key, rejectUnauthorized: false, agent: false };
        const request = requestTls({ ...at, ...options });
        request.end(body);
        const [answer] = await Promise.race([once(request, "response"), once(request, "upgrade")]);
        answer.socket.destroy();
        return answer.statusCode as number;
      };
      const path = "/api/v1/namespaces/default/configmaps";
      const named = (name: string, headers: Record<string, string>) =>
        ask({ method: "POST", path, headers }, configMap(name));
      assert.equal(await named("invited", {}), 201, "the certificate is good");
      assert.equal(await named("uninvited", { origin: evil }), 403);
      assert.equal(await named("uninvited", { origin: "null", "content-type": "text/plain" }), 403);
      assert.equal(
        await named("uninvited", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }),
        403,
      );
      assert.equal(await named("uninvited", { host: "evil.example" }), 403, "by rebinding");
      for (const what of ["exec?command=id&stdout=true", "portforward?ports=9898", "attach?stdout=true"]) {
        const upgrade = {
          ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
          "sec-websocket-key": Buffer.alloc(16, 1).toString("base64"),
        };
        const protocols = [
          "v4.channel.k8s.io",
          "base64url.bearer.authorization.k8s.io.eA, v4.channel.k8s.io",
        ];
        for (const protocol of protocols) {
          const headers = { ...upgrade, "sec-websocket-protocol": protocol, origin: evil };
          assert.equal(
            await ask({ path: `/api/v1/namespaces/default/pods/web/${what}`, headers }),
            403,
            what,
          );
          const rebound = { ...upgrade, "sec-websocket-protocol": protocol, host: "evil.example" };
          assert.equal(
            await ask({ path: `/api/v1/namespaces/default/pods/web/${what}`, headers: rebound }),
            403,
            what,
          );
        }
        const nobody = requestText(`GET /api/v1/namespaces/default/pods/web/${what} HTTP/1.1`, [
          "Host: localhost",
          ...Object.entries(upgrade).map(([name, value]) => `${name}: ${value}`),
        ]);
        assert.equal((await sendRaw(api(), nobody)).status, 403, what);
      }
      assert.throws(() => kubectl(state, "get", "configmap", "uninvited"), /NotFound/);
    });

    test("headers, targets and bodies beyond every measure are refused, and the port serves on", async () => {
      for (const { name, place, path } of surfaces()) {
        const refused = async (bytes: string) => {
          const { status } = await sendRaw(place, bytes);
          assert.ok(status === 0 || (status >= 400 && status < 500), `${name} answers ${status}`);
        };
        await refused(requestText(`GET ${path} HTTP/1.1`, ["Host: localhost", `X: ${"x".repeat(100_000)}`]));
        await refused(requestText(`GET ${path}?${"x".repeat(100_000)} HTTP/1.1`, ["Host: localhost"]));
        await refused(
          requestText(`GET ${path} HTTP/1.1`, ["Host: localhost", ...Array(20_000).fill("a: b")]),
        );
        const size = 6_000_000;
        const form = [
          "Host: localhost",
          "Content-Type: application/x-www-form-urlencoded",
          `Content-Length: ${size}`,
        ];
        await refused(requestText("POST /api/v1/query HTTP/1.1", form, "x".repeat(size)));
        assert.equal(
          (await sendRaw(place, requestText(`GET ${path} HTTP/1.1`, ["Host: localhost"]))).status,
          200,
          name,
        );
      }
    });

    test("a request that could be read as two is refused", async () => {
      for (const { name, place, path } of surfaces()) {
        const hidden = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Hidden: 1\r\n\r\n`;
        for (const lines of [
          ["Content-Length: 4", "Transfer-Encoding: chunked"],
          ["Transfer-Encoding: chunked", "Content-Length: 4"],
          ["Transfer-Encoding: chunked, identity"],
          ["Transfer-Encoding: xchunked"],
          ["Transfer-Encoding:\x0bchunked"],
          ["Content-Length: 4", "Content-Length: 5"],
          ["Content-Length: +4"],
          ["Content-Length: 4, 4"],
          ["Content-Length : 4"],
          [" Content-Length: 4"],
          ["X: a\rContent-Length: 4"],
          ["X\0: a"],
        ]) {
          const bytes = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.join("\r\n")}\r\n\r\n0\r\n\r\n${hidden}`;
          const { status, text } = await sendRaw(place, bytes);
          assert.ok(status >= 400 && status < 500, `${name} answers ${status} to ${lines}`);
          assert.doesNotMatch(text, /HTTP\/1\.1 2/, `${name} answers what is hidden behind ${lines}`);
        }
      }
    });

    test("what is kept, and where it is spoken of, is the user's alone", () => {
      const mode = (path: string) => statSync(path).mode & 0o777;
      assert.equal(mode(state), 0o700);
      assert.equal(mode(join(state, "certificates")), 0o700);
      const keys = readdirSync(join(state, "certificates")).map((name) => join("certificates", name));
      assert.ok(keys.length >= 5);
      for (const path of ["kubeconfig", "platform.json", ...keys])
        assert.equal(mode(join(state, path)), 0o600, path);
      assert.equal(mode(runtimeDirectory()), 0o700);
      const paths = sockets();
      for (const name of ["prometheus", "jaeger", "otlp-grpc", "otlp-http"])
        assert.equal(mode(join(runtimeDirectory(), name)), 0o600, name);
      assert.ok(paths.length >= 5, `${paths}`);
    });

    test("secrets are in no log, no list of processes and no other pod's environment", () => {
      const environment = kubectl(state, "exec", "web", "--", "env");
      assert.match(environment, new RegExp(`FROM_SECRET=${inSecret}`), "where it belongs");
      assert.doesNotMatch(environment, new RegExp(inEnvironment));
      const other = kubectl(state, "exec", "other", "--", "env");
      assert.doesNotMatch(other, new RegExp(`${inSecret}|${inEnvironment}`));
      const key = readFileSync(join(state, "certificates/admin.key"), "utf8").split("\n")[1] ?? "";
      const log = readFileSync(join(state, "tracegate.log"), "utf8") + platform.output();
      const listing = commandLines().join("\n");
      for (const secret of [inSecret, inEnvironment, key, "PRIVATE KEY"]) {
        assert.ok(!log.includes(secret), "log");
        assert.ok(!listing.includes(secret), "list of processes");
      }
    });

    test("a node port forwards to the user's program as it is, from this machine alone", async () => {
      const asked = requestText("GET /version HTTP/1.1", ["Host: shop.example", `Origin: ${evil}`]);
      const { status, body } = await sendRaw(web("node"), asked);
      assert.deepEqual([status, JSON.parse(body).version], [200, "6.9.3"]);
    });

    test("who takes for ever over a request is cut off", { timeout: 60_000 }, async () => {
      await Promise.all(slow.map(({ closed }) => closed));
      for (const { name, place, path } of surfaces())
        assert.equal(
          (await sendRaw(place, requestText(`GET ${path} HTTP/1.1`, ["Host: localhost"]))).status,
          200,
          name,
        );
    });
  });
}

/** A request that never ends: one more header every second. */
function trickle(place: Place) {
  const socket = open(place);
  socket.on("error", () => {});
  socket.resume();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n");
  const timer = setInterval(() => socket.write("X: x\r\n"), 1000);
  const closed = once(socket, "close").finally(() => clearInterval(timer));
  return { socket, closed };
}

/** Of all processes, as any user of the machine may see them. */
const commandLines = (): string[] =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      try {
        return readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return [];
      }
    });

function withoutNamespaces(sandbox: string): string | false {
  return sandbox === "namespaced" ? missingTools("unshare", "ip") : false;
}

const application = `
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData: {token: ${inSecret}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: stefanprodan/podinfo:6.9.3
      env: [{name: FROM_SECRET, valueFrom: {secretKeyRef: {name: shop, key: token}}}]
      ports: [{containerPort: 9898}]
      readinessProbe: {httpGet: {path: /readyz, port: 9898}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {containers: [{name: other, image: stefanprodan/podinfo:6.9.3}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 9898}]}
`;
