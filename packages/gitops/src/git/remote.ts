import { SourceError, withoutCredentials } from "./repositories.ts";

/** A repository as Git is told of it. */
export interface Remote {
  /** Without credentials: command lines are seen by everyone on the machine. */
  readonly url: string;
  /** What goes before Git's command. */
  readonly options: readonly string[];
  /** Holds the credentials. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Reads the URL of a source, which a manifest of anyone may bring: the protocols of the list, or an absolute path.
 * @throws SourceError
 */
export function remoteOf(repoURL: string, protocols: readonly string[]): Remote {
  const protocol = repoURL.startsWith("/")
    ? "file"
    : /^([a-z][a-z0-9+.-]*):\/\//i.exec(repoURL)?.[1]?.toLowerCase();
  if (protocol === undefined || !protocols.includes(protocol) || control.test(repoURL)) {
    const message = `repository URL ${quoted(repoURL)} is not allowed: expected ${protocols.join(", ")} or an absolute path`;
    throw new SourceError(message, "InvalidArgument");
  }
  const plain = { url: repoURL, options: [], environment: {} };
  if (protocol !== "https" && protocol !== "http") return plain;
  const url = URL.parse(repoURL);
  const [username, password] = [url?.username ?? "", url?.password ?? ""].map(decoded);
  if (url === null || username === undefined || password === undefined)
    throw new SourceError(`repository URL ${quoted(repoURL)} is no URL`, "InvalidArgument");
  if (username === "" && password === "") return plain;
  return { url: withoutCredentials(repoURL), ...credentials(url.origin, username, password) };
}

/** Answers Git's question for the URL's own host, wherever that may redirect to; nobody else is asked or told. */
function credentials(origin: string, username: string, password: string): Omit<Remote, "url"> {
  const setting = (name: string, value: string) => ["-c", `credential.${origin}.${name}=${value}`];
  // The user's own credential helpers are asked for the password.
  if (password === "") {
    const name = "TRACEGATE_GIT_USERNAME";
    const options = [`--config-env=credential.${origin}.username=${name}`];
    return { options, environment: { [name]: username } };
  }
  const answer = 'echo "username=$TRACEGATE_GIT_USERNAME"; echo "password=$TRACEGATE_GIT_PASSWORD"';
  return {
    options: [
      ...setting("helper", ""),
      ...setting("helper", `!f() { test "$1" != get || { ${answer}; }; }; f`),
    ],
    environment: { TRACEGATE_GIT_USERNAME: username, TRACEGATE_GIT_PASSWORD: password },
  };
}

const control = /\p{Cc}/u;

/** Undefined for what Git's protocol of credentials cannot hold. */
function decoded(part: string): string | undefined {
  try {
    const text = decodeURIComponent(part);
    return control.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

const quoted = (url: string): string =>
  `'${withoutCredentials(url).replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1))}'`;
