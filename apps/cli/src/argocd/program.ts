import { type Clock, ProblemError } from "@tracegate/contracts";
import { type GitRepositories, SourceError } from "@tracegate/gitops";
import { formatTime, isStatusError, type ResourceClient } from "@tracegate/kube";
import { type CobraProgram, UsageError } from "../cobra/command.ts";
import { helpText } from "../cobra/help.ts";
import { parseLine } from "../cobra/parse.ts";
import type { Io } from "../command.ts";
import { actionsList, actionsRun, deleteResource, patchResource } from "./app-actions.ts";
import { appConfirmDeletion, appPatch, appSet, appUnset } from "./app-change.ts";
import { appCreate } from "./app-create.ts";
import { appDelete } from "./app-delete.ts";
import { appGet, appHistory } from "./app-get.ts";
import { appList } from "./app-list.ts";
import { appDiff, appManifests } from "./app-manifests.ts";
import { appResources } from "./app-resources.ts";
import { appsetCreate, appsetDelete, appsetGet, appsetList } from "./app-sets.ts";
import { appRollback, appSync, appTerminate, appWait } from "./app-sync.ts";
import { type ArgoConfig, currentToken } from "./config.ts";
import { context, login, logout } from "./context.ts";
import { Fatal } from "./fatal.ts";
import { clusterGet, clusterList, repoGet, repoList } from "./others.ts";
import {
  projCreate,
  projDelete,
  projectChanges,
  projGet,
  projList,
  projRoles,
  projSet,
  projWindows,
} from "./projects.ts";
import { refusedBy, refusedCommands } from "./refused.ts";
import { logLine, type Session } from "./session.ts";
import { version } from "./version.ts";

const accepted = "accepted for scripts, and without effect: the Kubernetes API is spoken to";

const program: CobraProgram<Session> = {
  name: "argocd",
  summary: "See and sync GitOps Applications",
  globals: {
    kubeconfig: { type: "string", help: "the kubeconfig file" },
    "kube-context": { type: "string", help: "the kubeconfig's context" },
    "auth-token": { type: "string", help: "a bearer token in place of the context's credentials" },
    config: { type: "string", help: "the file that remembers contexts" },
    "argocd-context": { type: "string", help: "a context in place of the current one" },
    core: { type: "bool", help: accepted },
    server: { type: "string", help: accepted },
    insecure: { type: "bool", help: accepted },
    plaintext: { type: "bool", help: accepted },
    "grpc-web": { type: "bool", help: accepted },
    logformat: { type: "string", default: "json", help: "one of: json|text" },
  },
  commands: [
    appList,
    appGet,
    appSync,
    appWait,
    appHistory,
    appRollback,
    appDiff,
    appManifests,
    appResources,
    appCreate,
    appSet,
    appUnset,
    appPatch,
    appDelete,
    appTerminate,
    appConfirmDeletion,
    actionsList,
    actionsRun,
    deleteResource,
    patchResource,
    appsetList,
    appsetGet,
    appsetCreate,
    appsetDelete,
    projList,
    projGet,
    projCreate,
    projSet,
    projDelete,
    ...projectChanges,
    projWindows,
    projRoles,
    clusterList,
    clusterGet,
    repoList,
    repoGet,
    login,
    logout,
    context,
    version,
    ...refusedCommands,
  ],
};

/** Where the program finds its server, Git, files, clock and terminal. */
export interface ArgocdEnvironment {
  /** A client of the kubeconfig's server, with the token where there is one. */
  connect(
    flags: { readonly kubeconfig: string; readonly context: string },
    token: string | undefined,
  ): { readonly client: ResourceClient; readonly server: string; close(): void };
  readonly git: GitRepositories;
  config(flag: string): ArgoConfig;
  ask(question: string): Promise<string | undefined>;
  readonly clock: Clock;
  readonly io: Io;
}

/** Runs one command line; resolves with its exit code. */
export async function runArgocd(argv: readonly string[], environment: ArgocdEnvironment): Promise<number> {
  const { io, clock } = environment;
  const refused = refusedBy(argv);
  if (refused !== undefined) {
    io.err(logLine("fatal", refused.message, clock));
    return refused.exit;
  }
  const parsed = parseLine(program, argv);
  switch (parsed.kind) {
    case "help": {
      io.out(helpText(program, parsed.path, parsed.command));
      // A group without one of its commands is a mistake, as the original has it.
      const asked = argv.includes("--help") || argv.includes("-h") || argv[0] === "help";
      return asked || parsed.path === "" ? 0 : 1;
    }
    case "arguments":
      io.out(helpText(program, parsed.command.path, parsed.command));
      return parsed.command.path === "app diff" ? 2 : 1; // the original's own
    case "mistake":
      // ⚠ An unknown command of a group is answered by the group's help, as the original does.
      if (/^unknown command/.test(parsed.message) && parsed.path !== "")
        io.out(helpText(program, parsed.path));
      else {
        const hint = /^unknown command/.test(parsed.message)
          ? `Run '${program.name} --help' for usage.\n`
          : "";
        io.err(`Error: ${parsed.message}\n${hint}`);
      }
      return 1;
    case "run": {
      const flag = (name: string) => String(parsed.flags[name] ?? "");
      const target = { kubeconfig: flag("kubeconfig"), context: flag("kube-context") };
      const config = environment.config(flag("config"));
      let connection: ReturnType<ArgocdEnvironment["connect"]> | undefined;
      // Made when first asked for: `version --client` and `context` need no server.
      const connected = () => {
        const named = flag("argocd-context");
        const contexts = { ...config.read(), ...(named === "" ? {} : { "current-context": named }) };
        connection ??= environment.connect(target, flag("auth-token") || currentToken(contexts));
        return connection;
      };
      try {
        return await parsed.command.run(parsed.args, parsed.flags, {
          get client() {
            return connected().client;
          },
          get server() {
            return connected().server;
          },
          git: environment.git,
          clock,
          io,
          given: parsed.given,
          config,
          connectWith: (token) => environment.connect(target, token),
          ask: environment.ask,
        });
      } catch (error) {
        if (io.signal.aborted) return 130;
        if (error instanceof UsageError) {
          io.out(helpText(program, parsed.command.path, parsed.command));
          return 1;
        }
        const { message, exit } = describe(error);
        const time = formatTime(clock.now());
        io.err(
          flag("logformat") === "text"
            ? `time="${time}" level=fatal msg=${JSON.stringify(message)}\n`
            : `${JSON.stringify({ level: "fatal", msg: message, time })}\n`,
        );
        return exit;
      } finally {
        connection?.close();
      }
    }
  }
}

/** What the original's server refuses, by the code that it refuses with. */
const serverCodes: Readonly<Record<string, string>> = {
  "gitops/automated": "FailedPrecondition",
  "gitops/operation-in-progress": "FailedPrecondition",
  "gitops/sync-window": "PermissionDenied",
  "gitops/no-operation": "InvalidArgument",
};

/** What the original's server calls the API's refusals. */
const codesOfReasons: Readonly<Record<string, string>> = {
  AlreadyExists: "AlreadyExists",
  BadRequest: "FailedPrecondition",
  Conflict: "Aborted",
  InternalError: "Internal",
  Invalid: "InvalidArgument",
  MethodNotAllowed: "Unimplemented",
  ServerTimeout: "Unavailable",
  ServiceUnavailable: "Unavailable",
  Timeout: "DeadlineExceeded",
  TooManyRequests: "ResourceExhausted",
};

/** What a command's failure is called, and its exit code. */
function describe(error: unknown): { message: string; exit: number } {
  if (error instanceof Fatal) return { message: error.message, exit: error.exit };
  if (isStatusError(error)) {
    const { code, reason } = error.status;
    // ⚠ An unknown Application is told from one that is not allowed by nobody, as the original does.
    if (reason === "NotFound" || code === 403)
      return { message: "rpc error: code = PermissionDenied desc = permission denied", exit: 20 };
    if (code === 401)
      return { message: `rpc error: code = Unauthenticated desc = ${error.message}`, exit: 20 };
    const named = codesOfReasons[reason ?? ""] ?? "Unknown";
    return { message: `rpc error: code = ${named} desc = ${error.message}`, exit: 20 };
  }
  if (error instanceof SourceError)
    return { message: `rpc error: code = ${error.code} desc = ${error.message}`, exit: 20 };
  if (error instanceof ProblemError) {
    const { code, message } = error.problem;
    const ofServer = serverCodes[code];
    return {
      message: ofServer === undefined ? message : `rpc error: code = ${ofServer} desc = ${message}`,
      exit: 20,
    };
  }
  const { code, message } = error as NodeJS.ErrnoException; // anything thrown has a text
  if (code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "ECONNRESET")
    return { message: `Failed to establish connection: ${message}`, exit: 1 };
  return { message: error instanceof Error ? message : String(error), exit: 20 };
}
