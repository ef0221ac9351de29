import type { Manifest } from "@tracegate/gitops";
import {
  Application,
  type ApplicationState,
  maskedSecrets,
  predictedAndCurrent,
  stateReader,
} from "@tracegate/gitops";
import { refOf, refresh } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { normalDiff } from "./normal-diff.ts";
import { goYaml } from "./output.ts";
import { appNamespace, command, type Session } from "./session.ts";

export const appManifests = command({
  path: "app manifests",
  use: "APPNAME",
  summary: "Print the manifests of an Application, as Git has them or as they live",
  examples: ["argocd app manifests hotrod", "argocd app manifests hotrod --source live"],
  args: [1, 1],
  flags: {
    source: { type: "string", default: "git", help: "one of: git|live" },
    revision: { type: "string", help: "a commit, branch or tag in place of the Application's" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, session) {
    if (flags.source !== "git" && flags.source !== "live")
      throw new Fatal(`Unknown source type '${flags.source}'`, 1);
    const application = await session.client.get(Application, refOf(text, flags["app-namespace"]));
    const state = await stateOf(session, application, flags.revision);
    // Both in the order of groups, kinds and names, as they are compared.
    const side = flags.source === "live" ? "live" : "target";
    const manifests = state.comparison.resources.flatMap(
      ({ target, live }) => maskedSecrets(target, live)[side] ?? [],
    );
    session.io.out(manifests.map((manifest) => `---\n${goYaml(manifest)}\n`).join(""));
    return 0;
  },
});

export const appDiff = command({
  path: "app diff",
  use: "APPNAME",
  summary: "Show how what lives differs from what Git says; exit code 1 when it does",
  examples: ["argocd app diff hotrod", "argocd app diff hotrod --refresh"],
  args: [1, 1],
  flags: {
    refresh: { type: "bool", help: "ask Git for the newest commit first" },
    "hard-refresh": { type: "bool", help: "and render anew what is cached" },
    "exit-code": {
      type: "bool",
      default: true,
      help: "exit otherwise than with 0 when there are differences",
    },
    "diff-exit-code": { type: "number", default: 1, help: "the exit code when there are differences" },
    revision: { type: "string", help: "a commit, branch or tag in place of the Application's" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, session) {
    const ref = refOf(text, flags["app-namespace"]);
    const how = flags["hard-refresh"] ? "hard" : flags.refresh ? "normal" : undefined;
    const application =
      how === undefined ? await session.client.get(Application, ref) : await refresh(session, ref, how);
    const state = await stateOf(session, application, flags.revision);
    const differences = differencesOf(application, state);
    session.io.out(differences.join(""));
    return differences.length > 0 && flags["exit-code"] ? flags["diff-exit-code"] : 0;
  },
});

/** What each resource lacks of what is wanted of it, as `diff` prints it under its name. */
export function differencesOf(application: Application, state: ApplicationState): string[] {
  return state.comparison.resources.flatMap(({ key, live, target, status }) => {
    if (status.hook === true) return [];
    const [current, wanted] = bothSides(application, live, target);
    const difference = normalDiff(current, wanted);
    if (difference === "") return [];
    return `\n===== ${key.group}/${key.kind} ${key.namespace}/${key.name} ======\n${difference}`;
  });
}

type Compared = ApplicationState["comparison"]["resources"][number];

/** The live object and what applying would make of it, as YAML; what is not there is empty. */
function bothSides(
  application: Application,
  live: Compared["live"],
  target: Compared["target"],
): [string, string] {
  if (live === undefined || target === undefined) {
    const { target: wanted, live: found } = maskedSecrets(target, live);
    return [
      found === undefined ? "" : goYaml(withoutBirth(found)),
      wanted === undefined ? "" : goYaml(wanted),
    ];
  }
  const { predicted, current } = predictedAndCurrent(target, live, application.spec.ignoreDifferences ?? []);
  const sides = maskedSecrets(withServerFields(predicted, live), withServerFields(current, live));
  return [goYaml(sides.live), goYaml(sides.target)];
}

/** When an object came to be is no difference. */
const withoutBirth = ({
  metadata: { creationTimestamp: _created, ...metadata },
  ...live
}: Manifest): object => ({
  ...live,
  metadata,
});

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** What the comparison leaves aside is shown on both sides. */
function withServerFields(compared: Manifest, live: Manifest): Manifest {
  const { creationTimestamp: _created, annotations: known, labels: _labels, ...server } = live.metadata;
  const { status } = live;
  const applied = known?.[lastApplied];
  const annotations = {
    ...compared.metadata.annotations,
    ...(applied === undefined ? {} : { [lastApplied]: applied }),
  };
  return {
    ...compared,
    metadata: {
      ...server,
      ...compared.metadata,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...(status === undefined ? {} : { status }),
  };
}

/** Rendered and compared here, from the repository itself. */
export async function stateOf(
  { client, git }: Session,
  application: Application,
  revision: string,
): Promise<ApplicationState> {
  const repoURL = application.spec.source?.repoURL ?? "";
  const commit = revision === "" ? undefined : await git.resolve(repoURL, revision, { fresh: true });
  const state = await stateReader({ client, git }).read(application, {
    ...(commit === undefined ? {} : { revision: commit }),
    fresh: true,
    render: false,
    everyKind: false,
  });
  const [condition] = state.refused === undefined ? state.conditions : [state.refused];
  if (state.targets === undefined && condition !== undefined) throw new Fatal(condition.message);
  return state;
}
