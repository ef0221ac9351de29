import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { dnsAddress } from "../network/addresses.ts";
import { DnsFormatError, decodeQuery, encodeResponse, responseCode } from "../network/dns-message.ts";
import { resolveQuestion } from "../network/dns-zone.ts";
import type { DnsRecords } from "./protocol.ts";
import { listening } from "./relay.ts";

const idleMs = 10_000;

/** The pods' resolver, over UDP and TCP. `records` is asked for at every query, so it may change at any time. */
export async function startDnsServer(records: () => Readonly<Record<string, DnsRecords>>): Promise<void> {
  const udp = createSocket("udp4");
  udp.on("message", (message, { address, port }) => {
    const answer = respond(records(), message, "udp");
    if (answer !== undefined) udp.send(answer, port, address);
  });
  udp.on("error", () => {});
  await new Promise<void>((resolve) => udp.bind(53, dnsAddress, resolve));
  await listening(
    createServer((socket) => serveTcp(socket, records)),
    dnsAddress,
    53,
  );
}

function serveTcp(socket: Socket, records: () => Readonly<Record<string, DnsRecords>>): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const answer = respond(records(), pending.subarray(2, end), "tcp");
      pending = pending.subarray(end);
      if (answer === undefined) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length, 0);
      socket.write(Buffer.concat([length, answer]));
    }
  });
}

function respond(
  records: Readonly<Record<string, DnsRecords>>,
  message: Buffer,
  transport: "udp" | "tcp",
): Buffer | undefined {
  try {
    const query = decodeQuery(message);
    const { code, answers } = resolveQuestion(records, query);
    return encodeResponse(query, code, answers, transport === "udp" ? query.udpSize : undefined);
  } catch (error) {
    if (!(error instanceof DnsFormatError) || error.id === undefined) return undefined;
    return encodeResponse({ id: error.id, opcode: 0, recursionDesired: false }, responseCode.formatError, []);
  }
}
