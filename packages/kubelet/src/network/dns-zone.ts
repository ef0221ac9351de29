import type { DnsRecords } from "../agent/protocol.ts";
import { type DnsAnswer, type DnsQuery, recordType, responseCode } from "./dns-message.ts";

/** As CoreDNS answers for Kubernetes: short, so that a changed endpoint is soon seen. */
const ttl = 5;

export interface Resolution {
  readonly code: number;
  readonly answers: readonly DnsAnswer[];
}

/** What the cluster's DNS answers to a question. It knows the cluster's names only: a pod has no way out. */
export function resolveQuestion(
  records: Readonly<Record<string, DnsRecords>>,
  query: Pick<DnsQuery, "opcode" | "question">,
): Resolution {
  if (query.opcode !== 0) return { code: responseCode.notImplemented, answers: [] };
  const { name, type } = query.question;
  const found = Object.hasOwn(records, name) ? records[name] : undefined;
  if (found === undefined) {
    // A name above known ones exists without records of its own (RFC 8020).
    const isParent = Object.keys(records).some((known) => known.endsWith(`.${name}`));
    return { code: isParent ? responseCode.noError : responseCode.noSuchName, answers: [] };
  }
  const answers: DnsAnswer[] = [];
  if (found.cname !== undefined) {
    const target = found.cname;
    answers.push({ name, ttl, type: "CNAME", target });
    if (type === recordType.A && Object.hasOwn(records, target)) {
      for (const address of records[target]?.a ?? []) answers.push({ name: target, ttl, type: "A", address });
    }
  }
  if (type === recordType.A || type === recordType.ANY) {
    for (const address of found.a ?? []) answers.push({ name, ttl, type: "A", address });
  }
  if (type === recordType.SRV || type === recordType.ANY) {
    for (const { port, target } of found.srv ?? []) answers.push({ name, ttl, type: "SRV", port, target });
  }
  return { code: responseCode.noError, answers };
}
