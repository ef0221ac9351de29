// node scripts/node24.js tests/recordings/record/kubernetes.ts https://127.0.0.1:16443 FILE…
//
// Sends the requests of conversations to a real kube-apiserver and writes its answers beside them, what differs from run to
// run replaced by placeholders. A new conversation is a file of entries without `response`. The server must be fresh where
// a conversation makes objects, know the tokens `admintoken` (of system:masters) and `viewertoken` (of user viewer, without
// rights), and give Services addresses of 10.96.0.0/16.
import { writeFileSync } from "node:fs";
import type { RecordedRequest } from "@tracegate/kube/testing";
import { readJson } from "../files.ts";
import { converse } from "../kubernetes-conversation.ts";
import { neutral } from "./kubernetes-placeholders.ts";

const [url, ...files] = process.argv.slice(2);
if (url === undefined || files.length === 0) {
  process.stderr.write("usage: kubernetes.ts URL FILE…\n");
  process.exit(2);
}

for (const file of files) {
  const exchanged = await converse(url, readJson<RecordedRequest[]>(file));
  const entries = exchanged.map(({ recorded: { name, request }, answer: { body, ...head } }) => ({
    name,
    request,
    response: { ...head, body: neutral(body, request) },
  }));
  writeFileSync(file, `[\n${entries.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`);
  process.stdout.write(`${file}: ${entries.length} requests\n`);
}
