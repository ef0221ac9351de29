import { type PodTemplateSpec, sortedJson } from "@tracegate/kube";

/** The label that keeps the pods of one ReplicaSet of a Deployment apart from those of another. */
export const POD_TEMPLATE_HASH = "pod-template-hash";

/** Without vowels and look-alikes, so that no words come about (apimachinery's `rand.SafeEncodeString`). */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/**
 * A short name for a template: 32-bit FNV-1a, safely encoded, as upstream; over canonical JSON, where upstream walks Go's
 * memory. The numbers therefore differ from a real cluster's, and nothing may compare them. `collisionCount` makes another
 * name when one is taken.
 */
export function templateHash(
  template: PodTemplateSpec | unknown,
  collisionCount: number | undefined,
): string {
  let hash = fnv32a(OFFSET, new TextEncoder().encode(sortedJson(template)));
  if (collisionCount !== undefined) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, collisionCount, true);
    hash = fnv32a(hash, bytes);
  }
  return safeEncode(String(hash));
}

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

export function fnv32a(start: number, bytes: Uint8Array): number {
  let hash = start;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME) >>> 0;
  return hash;
}

export function safeEncode(text: string): string {
  return Array.from(text, (char) => ALPHABET[char.charCodeAt(0) % ALPHABET.length]).join("");
}
