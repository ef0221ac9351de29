// Loaded into every Node program of a pod that has no network of its own (`node --require`), before the program: what
// the program listens on becomes the pod's address, and names and addresses of the cluster lead where the agent says.
// Plain JavaScript of an old Node, because the user's own Node runs it.
"use strict";
const { readFileSync, statSync } = require("node:fs");
const dns = require("node:dns");
const net = require("node:net");

const {
  TRACEGATE_BIND_ADDRESS: podIP,
  TRACEGATE_NETWORK: file,
  TRACEGATE_NAMESPACE: namespace,
} = process.env;
// Node programs find everything by themselves; a client library that honours the proxy would take the longer way.
for (const name of ["http_proxy", "grpc_proxy"]) delete process.env[name];
const searches = [`.${namespace}.svc.cluster.local`, ".svc.cluster.local", ".cluster.local", ""];
const isOwn = (host) =>
  host === undefined || ["", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"].includes(host);

let known = { records: {}, forwards: {} };
let stamp = "";
function network() {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    const now = `${mtimeMs} ${size} ${ino}`;
    if (now !== stamp) {
      known = JSON.parse(readFileSync(file, "utf8"));
      stamp = now;
    }
  } catch {
    // The agent is gone, and this program will be soon.
  }
  return known;
}

/** The address of a name of the cluster; undefined for any other. */
function resolve(host) {
  const name = String(host).toLowerCase().replace(/\.$/, "");
  const { records } = network();
  for (const suffix of searches) {
    const key = name + suffix;
    const found = Object.hasOwn(records, key) ? records[key] : undefined;
    if (found?.cname !== undefined) return resolve(found.cname);
    if (found?.a !== undefined) return found.a[Math.floor(Math.random() * found.a.length)];
  }
  return undefined;
}

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function listenInPod(...args) {
  const [first, second] = args;
  const isPort = typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first));
  if (isPort && typeof second === "string") args[1] = isOwn(second) ? podIP : second;
  else if (isPort) args.splice(1, 0, podIP);
  else if (
    typeof first === "object" &&
    first !== null &&
    first.port !== undefined &&
    first.path === undefined
  )
    args[0] = { ...first, host: isOwn(first.host) ? podIP : first.host };
  return listen.apply(this, args);
};

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function connectInPod(...args) {
  const normalized = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args);
  const options = normalized[0];
  // HTTP agents say `path: null` so as not to mean a Unix socket.
  if (!options.path && options.port !== undefined) {
    let host = isOwn(options.host) ? podIP : options.host;
    if (net.isIP(host) === 0) host = resolve(host) ?? host;
    let { port } = options;
    const forward = network().forwards[`${host}:${port}`];
    if (forward !== undefined) {
      host = "127.0.0.1";
      port = forward;
    } else if (/^10\.(96|244\.255)\./.test(host)) {
      // Nothing listens on port 1 of the pod's own address: refused, as in a cluster.
      host = podIP;
      port = 1;
    } else host = host.replace(/^10\.244\./, "127.244.");
    normalized[0] = { ...options, host, port };
  }
  return connect.call(this, normalized);
};

const answer = (address, options) => (options?.all ? [{ address, family: 4 }] : { address, family: 4 });
const { lookup } = dns;
dns.lookup = function lookupInPod(host, options, callback) {
  const done = typeof options === "function" ? options : callback;
  const address = net.isIP(String(host)) === 0 ? resolve(host) : undefined;
  if (address === undefined) return lookup(host, options, callback);
  const found = answer(address, typeof options === "object" ? options : {});
  process.nextTick(() =>
    Array.isArray(found) ? done(null, found) : done(null, found.address, found.family),
  );
  return {};
};
const { lookup: lookupLater } = dns.promises;
dns.promises.lookup = async function lookupInPod(host, options) {
  const address = net.isIP(String(host)) === 0 ? resolve(host) : undefined;
  return address === undefined ? lookupLater(host, options) : answer(address, options);
};
require("node:module").syncBuiltinESMExports();
