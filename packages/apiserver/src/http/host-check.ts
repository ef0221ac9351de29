const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether a Host header names this server. A page of another site whose name was made to resolve to loopback (DNS
 * rebinding) still sends its own name.
 */
export function isAllowedHost(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return LOOPBACK.has(name) || /^127\.\d+\.\d+\.\d+$/.test(name) || allowed.includes(name);
}
