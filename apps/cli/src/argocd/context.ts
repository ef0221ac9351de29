import { Application } from "@tracegate/gitops";
import { isStatusError } from "@tracegate/kube";
import { withContext } from "./config.ts";
import { command, controlPlane, Fatal } from "./session.ts";

export const login = command({
  path: "login",
  use: "[SERVER]",
  summary: "Check credentials against the Kubernetes API and remember them as a context",
  examples: [
    "argocd login --core",
    "argocd login 127.0.0.1:6443",
    "argocd login 127.0.0.1:6443 --password TOKEN",
  ],
  args: [0, 1],
  flags: {
    username: { type: "string", help: "the name to greet; the credentials say who one is" },
    password: { type: "string", help: "a bearer token of the API (default: the kubeconfig's credentials)" },
    name: { type: "string", help: "the context's name (default: the server)" },
    core: { type: "bool", help: "use the kubeconfig's context" },
    insecure: { type: "bool", help: "accepted for scripts; the kubeconfig's certificate authority is used" },
  },
  async run([server], flags, { config, connectWith, io }) {
    if (server === undefined && !flags.core) throw new Fatal("Argo CD server address unspecified", 1);
    const token = flags.password === "" ? undefined : flags.password;
    const connection = connectWith(token);
    try {
      await connection.client.list(Application, { namespace: controlPlane, limit: 1 });
    } catch (error) {
      if (isStatusError(error) && error.status.code === 401)
        throw new Fatal("rpc error: code = Unauthenticated desc = Invalid username or password");
      throw error;
    } finally {
      connection.close();
    }
    const name = flags.name || (server ?? "kubernetes");
    if (!flags.core) io.out(`'${flags.username || "admin"}' logged in successfully\n`);
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
