import { Application } from "@tracegate/gitops";
import { isStatusError } from "@tracegate/kube";
import { withContext } from "./config.ts";
import { Fatal } from "./fatal.ts";
import { command, controlPlane, type Session } from "./session.ts";

export const login = command({
  path: "login",
  use: "[SERVER]",
  summary: "Check that the Kubernetes API lets one in and remember that as a context",
  examples: [
    "argocd login --core",
    "argocd login localhost:30100",
    "argocd login localhost:30100 --username readonly --password PASSWORD",
    "argocd login 127.0.0.1:6443 --password TOKEN",
  ],
  args: [0, 1],
  flags: {
    username: { type: "string", help: "the name to greet; the credentials say who one is" },
    password: { type: "string", help: "a bearer token of the API (default: the kubeconfig's credentials)" },
    name: { type: "string", help: "the context's name (default: the server)" },
    core: { type: "bool", help: "use the kubeconfig's context" },
    insecure: { type: "bool", help: "accepted for scripts; the kubeconfig's certificate authority is used" },
    sso: { type: "bool", help: "refused: there is nobody to sign on with" },
    "skip-test-tls": { type: "bool", help: "accepted for scripts, and without effect" },
  },
  async run([server], flags, { config, connectWith, io }) {
    if (server === undefined && !flags.core) throw new Fatal("Argo CD server address unspecified", 1);
    if (flags.sso)
      throw new Fatal(
        "--sso is not supported: the kubeconfig's credentials are used, or a token as --password",
      );
    const given = flags.password === "" ? undefined : flags.password;
    const tokenWorks = given !== undefined && (await letsIn(connectWith, given));
    // An account's password is nothing the API knows: who is named with one goes in as the kubeconfig says.
    if (
      !tokenWorks &&
      (given === undefined || flags.username !== "") &&
      !(await letsIn(connectWith, undefined))
    )
      throw new Fatal(
        "rpc error: code = Unauthenticated desc = the kubeconfig's credentials are refused by the Kubernetes API",
      );
    if (!tokenWorks && given !== undefined && flags.username === "")
      throw new Fatal("rpc error: code = Unauthenticated desc = Invalid username or password");
    const token = tokenWorks ? given : undefined;
    const name = flags.name || (server ?? "kubernetes");
    if (!flags.core) {
      io.out(`'${flags.username || "admin"}' logged in successfully\n`);
      const how = tokenWorks ? "the token" : "the credentials of the kubeconfig";
      const unused =
        given !== undefined && !tokenWorks ? "; the password is no token of it and was not kept" : "";
      io.err(`Commands speak to the Kubernetes API with ${how}${unused}.\n`);
    }
    config.write(
      withContext(config.read(), {
        name,
        server: server ?? "kubernetes",
        ...(token === undefined ? {} : { token }),
      }),
    );
    io.out(`Context '${name}' updated\n`);
    return 0;
  },
});

/** Whether the API lets one list Applications with a token, or with the kubeconfig's credentials. */
async function letsIn(connectWith: Session["connectWith"], token: string | undefined): Promise<boolean> {
  const connection = connectWith(token);
  try {
    await connection.client.list(Application, { namespace: controlPlane, limit: 1 });
    return true;
  } catch (error) {
    if (isStatusError(error) && error.status.code === 401) return false;
    throw error;
  } finally {
    connection.close();
  }
}

export const logout = command({
  path: "logout",
  use: "CONTEXT",
  summary: "Forget the credentials of a context",
  examples: ["argocd logout 127.0.0.1:6443"],
  args: [1, 1],
  async run([name = ""], _flags, { config, io }) {
    const all = config.read();
    const context = all.contexts.find((entry) => entry.name === name);
    if (context === undefined) throw new Fatal(`Nothing to logout from: context '${name}' undefined`, 1);
    config.write({
      ...all,
      users: all.users.map((user) => (user.name === context.user ? { name: user.name } : user)),
    });
    io.out(`Logged out from '${name}'\n`);
    return 0;
  },
});

export const context = command({
  path: "context",
  aliases: ["ctx"],
  use: "[CONTEXT]",
  summary: "List the contexts, or switch to one",
  examples: ["argocd context", "argocd context 127.0.0.1:6443"],
  args: [0, 1],
  flags: { delete: { type: "bool", help: "forget the context" } },
  async run([name], flags, { config, io }) {
    const all = config.read();
    if (all.contexts.length === 0)
      throw new Fatal(`No contexts defined in ${config.path}: log in with argocd login`, 1);
    if (name !== undefined && !all.contexts.some((entry) => entry.name === name))
      throw new Fatal(`Context '${name}' undefined`);
    if (name !== undefined && flags.delete) {
      const contexts = all.contexts.filter((entry) => entry.name !== name);
      const current = all["current-context"] === name ? "" : all["current-context"];
      config.write({ ...all, contexts, "current-context": current });
      io.out(`Context '${name}' deleted\n`);
    } else if (name !== undefined) {
      config.write({ ...all, "current-context": name });
      io.out(
        all["current-context"] === name
          ? `Already at context '${name}'\n`
          : `Switched to context '${name}'\n`,
      );
    } else {
      const rows = all.contexts.map((entry) => [
        entry.name === all["current-context"] ? "*" : "",
        entry.name,
        entry.server,
      ]);
      const width = Math.max(4, ...rows.map(([, label = ""]) => label.length)) + 2;
      for (const [mark = "", label = "", server = ""] of [["CURRENT", "NAME", "SERVER"], ...rows])
        io.out(`${mark.padEnd(9)}${label.padEnd(width)}${server}\n`);
    }
    return 0;
  },
});
