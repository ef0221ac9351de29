// Loaded into every Node program of a pod that has no network of its own (`node --require`), before the program: what
// the program listens on becomes its pod's address, or where all pods share one, another port; names and addresses of the
// cluster lead where the agent says.
// Plain JavaScript of an old Node, because the user's own Node runs it.
"use strict";
const { readFileSync, renameSync, statSync, unlinkSync, writeFileSync } = require("node:fs");
const { constants } = require("node:os");
const childProcess = require("node:child_process");
const dns = require("node:dns");
const net = require("node:net");

const {
  TRACEGATE_POD_IP: podIP,
  TRACEGATE_BIND_ADDRESS: bindAddress,
  TRACEGATE_NETWORK: file,
  TRACEGATE_NAMESPACE: namespace,
  // Only where all pods share one address: what stands for their ports.
  TRACEGATE_PORTS: ports,
} = process.env;
// Node programs find everything by themselves; a client library that honours the proxy would take the longer way.
const proxies = Object.entries(process.env).filter(([name]) => ["http_proxy", "grpc_proxy"].includes(name));
for (const [name] of proxies) delete process.env[name];
const searches = [`.${namespace}.svc.cluster.local`, ".svc.cluster.local", ".cluster.local", ""];
const isOwn = (host) =>
  [undefined, "", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1", podIP, bindAddress].includes(host);

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

// Where all pods share one address, programs that are not Node are told of other ports than the declared ones.
const declared = ports === undefined ? {} : (parsed(`${ports}/${podIP}/declared.json`) ?? {});
for (const [port, real] of Object.entries(declared)) {
  if (process.env.PORT === String(real)) process.env.PORT = port;
}

// What this program starts may be of another kind: it is told what this one was.
const { spawn } = childProcess.ChildProcess.prototype;
childProcess.ChildProcess.prototype.spawn = function spawnInPod(options) {
  const told = (options.envPairs ?? []).map((pair) => {
    const [, port] = /^PORT=(\d+)$/.exec(pair) ?? [];
    return declared[port] === undefined ? pair : `PORT=${declared[port]}`;
  });
  const lacking = proxies.filter(([name]) => !told.some((pair) => pair.startsWith(`${name}=`)));
  const envPairs = [...told, ...lacking.map((pair) => pair.join("="))];
  return spawn.call(this, { ...options, envPairs });
};

function parsed(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The real port of a port that a Node program of a pod listens on. */
function listenerAt(ip, port) {
  try {
    const [real, pid] = readFileSync(`${ports}/${ip}/${port}`, "utf8").split(" ").map(Number);
    process.kill(pid, 0);
    return real;
  } catch {
    return undefined;
  }
}

/** Where an address of the cluster is met; undefined where nothing listens. */
function place(host, port) {
  const forward = network().forwards[`${host}:${port}`];
  if (forward !== undefined) return { host: "127.0.0.1", port: forward };
  if (/^10\.(96|244\.255)\./.test(host)) return undefined;
  if (!host.startsWith("10.244.")) return { host, port };
  if (ports === undefined) return { host: host.replace("10.", "127."), port };
  const real = listenerAt(host, port) ?? parsed(`${ports}/${host}/declared.json`)?.[port];
  return real === undefined ? undefined : { host: "127.0.0.1", port: real };
}

/** What servers were asked to listen on, where they really listen on another port. */
const asked = new WeakMap();
const { listen, address, close } = net.Server.prototype;
net.Server.prototype.listen = function listenInPod(...args) {
  const [first, second] = args;
  const isPort = typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first));
  const isOptions =
    typeof first === "object" && first !== null && first.port !== undefined && first.path === undefined;
  if (!isPort && !isOptions) return listen.apply(this, args);
  const host = isOptions ? first.host : typeof second === "string" ? second : undefined;
  if (!isOwn(host)) return listen.apply(this, args);
  const wanted = Number(isOptions ? first.port : first);
  const isElsewhere = ports !== undefined && !Object.values(declared).includes(wanted);
  if (isElsewhere && !isWorker() && wanted !== 0 && listenerAt(podIP, wanted) !== undefined)
    return failWithPortInUse(this, wanted);
  const port = isElsewhere ? 0 : wanted;
  if (isOptions) args[0] = { ...first, host: bindAddress, port };
  else if (typeof second === "string") args.splice(0, 2, port, bindAddress);
  else args.splice(0, 1, port, bindAddress);
  if (isElsewhere) {
    asked.set(this, { host: host || "0.0.0.0", port: wanted });
    this.prependOnceListener("listening", publish);
  }
  return listen.apply(this, args);
};

/** Before the program hears that it listens, others find it. */
function publish() {
  const { port: real } = address.call(this);
  const own = asked.get(this);
  if (own.port === 0) own.port = real;
  own.file = `${ports}/${podIP}/${own.port}`;
  own.text = `${real} ${isWorker() ? process.ppid : process.pid}`;
  try {
    writeFileSync(`${own.file}.${process.pid}`, own.text);
    renameSync(`${own.file}.${process.pid}`, own.file);
  } catch {
    // The agent is gone.
  }
}

/** The sockets of a cluster's workers are their primary's. */
const isWorker = () => require("node:cluster").isWorker;

function failWithPortInUse(server, port) {
  const problem = `listen EADDRINUSE: address already in use ${podIP}:${port}`;
  const errno = -constants.errno.EADDRINUSE;
  const error = Object.assign(new Error(problem), { code: "EADDRINUSE", errno, syscall: "listen" });
  process.nextTick(() => server.emit("error", Object.assign(error, { address: podIP, port })));
  return server;
}

net.Server.prototype.address = function addressInPod() {
  const real = address.call(this);
  const own = asked.get(this);
  if (own === undefined || typeof real?.port !== "number") return real;
  const shown = net.isIP(own.host) === 0 ? "127.0.0.1" : own.host;
  return { address: shown, family: net.isIPv6(shown) ? "IPv6" : "IPv4", port: own.port };
};

net.Server.prototype.close = function closeInPod(...args) {
  const own = asked.get(this);
  asked.delete(this);
  try {
    // Another process of the pod may have taken the port in the meantime.
    if (own?.file !== undefined && !isWorker() && readFileSync(own.file, "utf8") === own.text)
      unlinkSync(own.file);
  } catch {
    // The agent is gone.
  }
  return close.apply(this, args);
};

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function connectInPod(...args) {
  const normalized = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args);
  const options = normalized[0];
  // HTTP agents say `path: null` so as not to mean a Unix socket.
  if (!options.path && options.port !== undefined) {
    let host = isOwn(options.host) ? podIP : options.host;
    if (net.isIP(host) === 0) host = resolve(host) ?? host;
    // Nothing listens on port 1: refused, as in a cluster.
    const at = place(host, options.port) ?? { host: bindAddress, port: 1 };
    normalized[0] = { ...options, ...at };
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
