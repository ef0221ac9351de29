/** Chance as numbers in [0, 1): the system's, or a seeded one where runs must repeat. */
export type Random = () => number;

/** The alphabet of generated names: no vowels and nothing easily misread, so that no words come about. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const LONGEST_PREFIX = 58;

/** `prefix` (cut where needed) and five characters, as Kubernetes generates names. */
export function generateName(prefix: string, random: Random): string {
  let suffix = "";
  for (let i = 0; i < 5; i++) suffix += ALPHABET[Math.floor(random() * ALPHABET.length)] ?? "b";
  return prefix.slice(0, LONGEST_PREFIX) + suffix;
}

/** A version 4 UUID. */
export function generateUid(random: Random): string {
  const bytes = Array.from({ length: 16 }, () => Math.floor(random() * 256));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
