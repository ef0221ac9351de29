import { Application } from "@tracegate/gitops";
import { isNotFound, type Ref } from "@tracegate/kube";
import { UsageError } from "../cobra/command.ts";
import { chosen } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { appNamespace, command, type Session } from "./session.ts";

const cascading = "resources-finalizer.argocd.argoproj.io";
const inBackground = `${cascading}/background`;

export const appDelete = command({
  path: "app delete",
  use: "APPNAME",
  summary: "Delete Applications and, unless told otherwise, all that they deployed",
  examples: ["argocd app delete hotrod -y", "argocd app delete hotrod --cascade=false"],
  args: [0, Number.POSITIVE_INFINITY],
  flags: {
    cascade: { type: "bool", default: true, help: "delete what was deployed, too" },
    "propagation-policy": {
      type: "string",
      short: "p",
      default: "foreground",
      help: "one of: foreground|background",
    },
    yes: { type: "bool", short: "y", help: "do not ask" },
    selector: { type: "string", short: "l", help: "the Applications with these labels" },
    wait: { type: "bool", help: "until they are gone" },
    "app-namespace": appNamespace,
  },
  async run(names, flags, session) {
    const { client, io, ask } = session;
    if (names.length === 0 && flags.selector === "") throw new UsageError("");
    const policy = flags["propagation-policy"];
    if (policy !== "foreground" && policy !== "background")
      throw new Fatal(`rpc error: code = InvalidArgument desc = invalid propagation policy: ${policy}`);
    if (!flags.cascade && session.given.has("propagation-policy"))
      throw new Fatal(
        "rpc error: code = InvalidArgument desc = cannot set propagation policy when cascading is disabled",
      );
    const all = await chosen(session, names, flags.selector, flags["app-namespace"], { mayBeNone: true });
    if (all.length === 0) throw new Fatal(`no apps match selector ${flags.selector}`);
    for (const [index, { metadata }] of all.entries()) {
      const ref = { namespace: metadata.namespace ?? "", name: metadata.name };
      // ⚠ What a selector chose is named with its namespace, as the original does.
      const called = names[index] ?? `${ref.namespace}/${ref.name}`;
      const question = `Are you sure you want to delete '${called}' and all its resources? [y/n] `;
      const answer = flags.yes ? "y" : await ask(question);
      if (answer !== undefined && !/^y(es)?$/i.test(answer.trim())) {
        io.out(`The command to delete '${called}' was cancelled.\n`);
        continue;
      }
      const others = (metadata.finalizers ?? []).filter(
        (name) => name !== cascading && name !== inBackground,
      );
      const own = !flags.cascade ? [] : [policy === "background" ? inBackground : cascading];
      await client.patch(Application, ref, {
        type: "merge",
        body: { metadata: { resourceVersion: metadata.resourceVersion, finalizers: [...others, ...own] } },
      });
      await client.delete(Application, ref);
      if (flags.wait) await untilGone(session, ref);
      io.out(`application '${called}' deleted\n`);
    }
    return 0;
  },
});

/** How often it is looked whether the Application is there still. */
const lookEveryMs = 100;

async function untilGone({ client, clock, io }: Session, ref: Ref): Promise<void> {
  for (;;) {
    try {
      await client.get(Application, ref);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    await clock.after(lookEveryMs, io.signal);
  }
}
