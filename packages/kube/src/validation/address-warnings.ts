import { isIP, isIPv4 } from "node:net";
import { quote } from "../values/go-text.ts";

/** Addresses that are read today, and may not be for ever: with leading zeros, or not in their canonical form. */
export const addressWarnings = (addresses: readonly unknown[], path: string): string[] =>
  addresses.flatMap((address, i) => addressWarning(String(address), `${path}[${i}]`));

export function addressWarning(address: string, path: string): string[] {
  const plain = withoutLegacy(address);
  if (plain === undefined || isIP(plain) === 0) return [];
  if (plain !== address) return [legacy(path, "IP address", address, plain)];
  const canonical = canonicalAddress(address);
  return canonical === address
    ? []
    : [
        `${path}: IPv6 address ${quote(address)} should be in RFC 5952 canonical format (${quote(canonical)})`,
      ];
}

export function cidrWarning(cidr: string, path: string): string[] {
  const [address = "", bits = "", ...more] = cidr.split("/");
  const plain = withoutLegacy(address);
  if (plain === undefined || isIP(plain) === 0 || !/^\d+$/.test(bits) || more.length > 0) return [];
  const shortBits = String(Number(bits));
  const network = networkOf(plain, Number(bits));
  if (plain !== address || shortBits !== bits) {
    return [legacy(path, "CIDR value", cidr, `${network}/${shortBits}`)];
  }
  if (network !== canonicalAddress(plain)) {
    const single = `${plain}/${isIPv4(plain) ? 32 : 128}`;
    const either = `${quote(`${network}/${bits}`)} or ${quote(single)}?`;
    return [`${path}: CIDR value ${quote(cidr)} is ambiguous in this context (should be ${either})`];
  }
  if (canonicalAddress(plain) === plain) return [];
  const canonical = quote(`${canonicalAddress(plain)}/${bits}`);
  return [`${path}: IPv6 CIDR value ${quote(cidr)} should be in RFC 5952 canonical format (${canonical})`];
}

const legacy = (path: string, what: string, value: string, instead: string): string =>
  `${path}: non-standard ${what} ${quote(value)} will be considered invalid in a future Kubernetes release: use ${quote(instead)}`;

/** The address without leading zeros, and IPv4 addresses out of the IPv6 form of them; undefined for what is neither. */
function withoutLegacy(address: string): string | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (/^\d+(\.\d+){3}$/.test(mapped)) {
    return mapped
      .split(".")
      .map((part) => String(Number(part)))
      .join(".");
  }
  return isIP(address) === 0 ? undefined : address;
}

/** IPv6 addresses as URLs write them, which is RFC 5952's form. */
const canonicalAddress = (address: string): string =>
  isIPv4(address) ? address : new URL(`http://[${address}]/`).hostname.slice(1, -1);

function networkOf(address: string, bits: number): string {
  if (!isIPv4(address)) return networkOf6(address, bits);
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Math.min(32, bits));
  const network = Math.floor(number / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join(".");
}

function networkOf6(address: string, bits: number): string {
  const [left = "", right] = canonicalAddress(address).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(left), groups(right ?? "")];
  const middle = right === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0");
  const number = [...before, ...middle, ...after].reduce(
    (sum, group) => sum * 65536n + BigInt(`0x${group}`),
    0n,
  );
  const shift = BigInt(128 - Math.min(128, bits));
  const network = ((number >> shift) << shift).toString(16).padStart(32, "0");
  return canonicalAddress(network.match(/.{4}/g)?.join(":") ?? address);
}
