import { BlockList, isIP } from "node:net";
import { type FieldError, invalid } from "./field-error.ts";

/** The address without the leading zeros that older releases let pass. */
const withoutZeros = (address: string): string =>
  /^\d+(\.\d+){3}$/.test(address) ? address.split(".").map(Number).join(".") : address;

/** An address of either family. */
export function ipErrors(value: string, path: string): FieldError[] {
  if (isIP(withoutZeros(value)) !== 0) return [];
  return [invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
}

/** An address block, `ADDRESS/LENGTH`. */
export function cidrErrors(value: string, path: string): FieldError[] {
  if (blockOf(value) !== undefined) return [];
  return [invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}

interface Block {
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
  readonly length: number;
}

function blockOf(text: string): Block | undefined {
  const [, written = "", digits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = withoutZeros(written);
  const version = isIP(address);
  const length = Number(digits);
  if (version === 0 || length > (version === 4 ? 32 : 128)) return undefined;
  return { family: version === 4 ? "ipv4" : "ipv6", address, length };
}

/** Whether the second block lies in the first and is smaller. False where either is none. */
export function isStrictlyInside(outer: string, inner: string): boolean {
  const [around, within] = [blockOf(outer), blockOf(inner)];
  if (around === undefined || within === undefined) return false;
  if (around.family !== within.family || around.length >= within.length) return false;
  return inBlock(around, within.address);
}

function inBlock({ family, address, length }: Block, candidate: string): boolean {
  const list = new BlockList();
  list.addSubnet(address, length, family);
  return list.check(candidate, family);
}

/** Ranges that cannot be the address of an endpoint, and how a complaint names them. */
const SPECIAL: readonly (readonly [string, readonly string[]])[] = [
  ["may not be in the loopback range (127.0.0.0/8, ::1/128)", ["127.0.0.0/8", "::1/128"]],
  ["may not be in the link-local range (169.254.0.0/16, fe80::/10)", ["169.254.0.0/16", "fe80::/10"]],
  ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)", ["224.0.0.0/24", "ff02::/16"]],
];

/** An address that traffic can be sent to. */
export function endpointIPErrors(written: string, path: string): FieldError[] {
  const value = withoutZeros(written);
  const version = isIP(value);
  if (version === 0) return [invalid(path, value, "must be a valid IP address")];
  const family = version === 4 ? "ipv4" : "ipv6";
  const details = /^[0:.]+$/.test(value) ? [`may not be unspecified (${value})`] : [];
  for (const [detail, ranges] of SPECIAL) {
    const blocks = ranges.map(blockOf).filter((block) => block !== undefined);
    if (blocks.some((block) => block.family === family && inBlock(block, value))) details.push(detail);
  }
  return details.map((detail) => invalid(path, value, detail));
}
