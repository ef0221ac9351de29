/** The part of DNS (RFC 1035, SRV of RFC 2782) that a cluster's resolver needs: one question, A, CNAME and SRV answers. */

export const recordType = { A: 1, NS: 2, CNAME: 5, SOA: 6, SRV: 33, AAAA: 28, ANY: 255 } as const;
export const responseCode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
} as const;

export interface DnsQuestion {
  /** Lower-case, without the last dot. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface DnsQuery {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly question: DnsQuestion;
  /** The largest UDP answer the client takes (EDNS0, RFC 6891), 512 without it. */
  readonly udpSize: number;
}

export type DnsAnswer =
  | { readonly name: string; readonly ttl: number; readonly type: "A"; readonly address: string }
  | { readonly name: string; readonly ttl: number; readonly type: "CNAME"; readonly target: string }
  | {
      readonly name: string;
      readonly ttl: number;
      readonly type: "SRV";
      readonly port: number;
      readonly target: string;
    };

/** Thrown for bytes that are no query; `id` is set where the header could be read. */
export class DnsFormatError extends Error {
  readonly id: number | undefined;
  constructor(message: string, id?: number) {
    super(message);
    this.name = "DnsFormatError";
    this.id = id;
  }
}

export function decodeQuery(bytes: Uint8Array): DnsQuery {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 12) throw new DnsFormatError("shorter than a DNS header");
  const id = view.readUInt16BE(0);
  const flags = view.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) throw new DnsFormatError("a response, not a query");
  if (view.readUInt16BE(4) !== 1) throw new DnsFormatError("not exactly one question", id);
  const { name, next } = readName(view, 12, id);
  if (next + 4 > view.length) throw new DnsFormatError("question cut short", id);
  return {
    id,
    opcode: (flags >> 11) & 15,
    recursionDesired: (flags & 0x0100) !== 0,
    question: { name, type: view.readUInt16BE(next), class: view.readUInt16BE(next + 2) },
    udpSize: ednsSize(view, next + 4, view.readUInt16BE(6) + view.readUInt16BE(8), view.readUInt16BE(10)),
  };
}

function readName(view: Buffer, start: number, id: number): { name: string; next: number } {
  const labels: string[] = [];
  let at = start;
  let total = 0;
  for (;;) {
    const length = view[at];
    if (length === undefined) throw new DnsFormatError("name cut short", id);
    at += 1;
    if (length === 0) return { name: labels.join(".").toLowerCase(), next: at };
    // A question's name has nothing before it to point back to.
    if (length > 63) throw new DnsFormatError("compressed name in a question", id);
    total += length + 1;
    if (total > 254 || at + length > view.length) throw new DnsFormatError("name too long", id);
    labels.push(view.toString("latin1", at, at + length));
    at += length;
  }
}

/** The payload size of the OPT record, when it is the only record after the question (as resolvers send it). */
function ednsSize(view: Buffer, at: number, between: number, additional: number): number {
  const isOpt =
    between === 0 &&
    additional >= 1 &&
    at + 11 <= view.length &&
    view[at] === 0 &&
    view.readUInt16BE(at + 1) === 41;
  return isOpt ? Math.min(4096, Math.max(512, view.readUInt16BE(at + 3))) : 512;
}

/** An authoritative answer to a query. With `limit`, one that is longer is sent empty and marked truncated (TC). */
export function encodeResponse(
  query: Pick<DnsQuery, "id" | "opcode" | "recursionDesired"> & { question?: DnsQuestion },
  code: number,
  answers: readonly DnsAnswer[],
  limit = 65_535,
): Buffer {
  const whole = encode(query, code, answers, 0);
  return whole.length <= limit ? whole : encode(query, code, [], 0x0200);
}

function encode(
  query: Pick<DnsQuery, "id" | "opcode" | "recursionDesired"> & { question?: DnsQuestion },
  code: number,
  answers: readonly DnsAnswer[],
  truncated: number,
): Buffer {
  const { question } = query;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(
    0x8480 | truncated | (query.opcode << 11) | (query.recursionDesired ? 0x0100 : 0) | code,
    2,
  );
  header.writeUInt16BE(question === undefined ? 0 : 1, 4);
  header.writeUInt16BE(answers.length, 6);
  const parts: Buffer[] = [header];
  if (question !== undefined)
    parts.push(encodeName(question.name), uint16(question.type), uint16(question.class));
  for (const answer of answers) {
    const data = recordData(answer);
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(recordType[answer.type], 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(answer.ttl, 4);
    fixed.writeUInt16BE(data.length, 8);
    parts.push(encodeName(answer.name), fixed, data);
  }
  return Buffer.concat(parts);
}

function recordData(answer: DnsAnswer): Buffer {
  switch (answer.type) {
    case "A":
      return Buffer.from(answer.address.split(".").map(Number));
    case "CNAME":
      return encodeName(answer.target);
    case "SRV":
      // Priority 0, weight 100: as CoreDNS answers for a service of one port.
      return Buffer.concat([uint16(0), uint16(100), uint16(answer.port), encodeName(answer.target)]);
  }
}

function encodeName(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value, 0);
  return bytes;
}
