import type { CobraCommand } from "../cobra/command.ts";
import { Fatal } from "./fatal.ts";
import { command, type Session } from "./session.ts";

/** Commands of the original that have nothing to work on here, and what to do in their place. */
const refused: readonly (readonly [path: string, instead: string])[] = [
  [
    "account",
    "who may do what is the Kubernetes API's to say: use kubectl auth whoami and kubectl auth can-i",
  ],
  ["admin", "there is no server to administer: use kubectl on the namespace argocd"],
  ["cert", "repositories are read with the certificates and known hosts of the machine"],
  ["gpg", "signatures of commits are not checked"],
  ["repocreds", "repositories are read with the credentials of Git's own configuration"],
  ["relogin", "use argocd login"],
  ["app add-source", "an Application has one source"],
  ["app remove-source", "an Application has one source"],
  ["app edit", "use kubectl edit application, or argocd app set"],
  ["app logs", "use kubectl logs"],
  ["appset generate", "make the ApplicationSet, or read its template"],
  ["cluster add", "only the cluster itself is deployed to"],
  ["cluster rm", "only the cluster itself is deployed to"],
  ["cluster set", "only the cluster itself is deployed to"],
  ["proj edit", "use kubectl edit appproject"],
  ["proj role create", "roles are the Kubernetes API's: use kubectl create role"],
  ["proj windows add", "use kubectl edit appproject"],
  ["repo add", "repositories are read with the credentials of Git's own configuration"],
  ["repo rm", "repositories are read with the credentials of Git's own configuration"],
];

/** What a line asks for that is refused whatever flags it has; not where it asks for help. */
export function refusedBy(argv: readonly string[]): Fatal | undefined {
  if (argv.includes("--help") || argv.includes("-h")) return undefined;
  const line = `${argv.filter((word) => !word.startsWith("-")).join(" ")} `;
  const found = refused.find(([path]) => line.startsWith(`${path} `));
  return found === undefined ? undefined : refusal(found);
}

const refusal = ([path, instead]: readonly [string, string]): Fatal =>
  new Fatal(`argocd ${path} is not supported: ${instead}`);

/** Each as a command that says so, whatever is written after it. */
export const refusedCommands: readonly CobraCommand<Session>[] = refused.map(([path, instead]) =>
  command({
    path,
    use: "...",
    summary: `Not supported: ${instead}`,
    examples: [`argocd ${path}`],
    args: [0, Number.POSITIVE_INFINITY],
    async run() {
      throw refusal([path, instead]);
    },
  }),
);
