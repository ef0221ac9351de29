/**
 * Connection failures in the words Go's net package has for them: what people know from kubectl, Argo and Prometheus,
 * and what messages in statuses and events are matched against.
 */
export function goDialError(ip: string, port: number, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words = syscallWords[code] ?? (error instanceof Error ? error.message : String(error));
  return Object.assign(new Error(`dial tcp ${ip}:${port}: ${words}`), { code });
}

const syscallWords: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "connect: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
};

export function goNoSuchHost(host: string): Error {
  return Object.assign(new Error(`lookup ${host} on 10.96.0.10:53: no such host`), { code: "ENOTFOUND" });
}
