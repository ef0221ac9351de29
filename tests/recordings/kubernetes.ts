import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createApi, startApiServer } from "@tracegate/apiserver";
import { type Clock, wallClock } from "@tracegate/contracts";
import { memoryStore } from "@tracegate/store";
import type { RecordedRequest } from "@tracegate/kube/testing";
import type { RunRecordings } from "./difference.ts";
import { kindFolder, readJson } from "./files.ts";
import { answerDifferences } from "./kubernetes-comparison.ts";
import { converse } from "./kubernetes-conversation.ts";

/** Holds every conversation of the folder with a server of its own. The whole is always sent: later answers follow from earlier requests. */
export const runKubernetes: RunRecordings = async function* (folder, names) {
  const own = kindFolder(folder, "kubernetes");
  for (const file of readdirSync(own).filter((entry) => entry.endsWith(".json")).sort()) {
    const conversation = readJson<RecordedRequest[]>(join(own, file));
    // Time stands still, so that entries written in one second stay in one; a watch's seconds pass quickly.
    const clock: Clock = {
      now: () => Date.UTC(2026, 0, 1),
      after: (ms, signal) => wallClock.after(ms / 10, signal),
    };
    const server = await startApiServer({ api: createApi({ store: memoryStore(), clock }), port: 0, tokens });
    try {
      for (const exchanged of await converse(server.url, conversation)) {
        const { name } = exchanged.recorded;
        if (names.length > 0 && !names.some((wanted) => name === wanted || name.startsWith(`${wanted}/`))) continue;
        yield { name, differences: answerDifferences(exchanged) };
      }
    } finally {
      await server.close();
    }
  }
};

/** The users of the recorded conversations: one who may do all, and a viewer without any rights. */
const tokens = [
  { token: "admintoken", user: { name: "admin", groups: ["system:masters"] } },
  {
    token: "viewertoken",
    user: { name: "viewer", uid: "7f3d0a52-4c11-4f5e-9d3c-0a4b1f6f2d10", groups: [] },
  },
];
