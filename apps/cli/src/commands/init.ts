import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";
import { chooseSandbox, configurationFile, ownImage, parseConfiguration } from "@tracegate/platform";
import { command, type Io } from "../command.ts";
import { readCommandLine } from "../init/command-words.ts";
import { nextSteps } from "../init/next-steps.ts";
import { commitFirst, hasIdentity, repositoryOf } from "../init/repository.ts";
import { configurationText, starterFiles } from "../init/starter.ts";

export const init = command({
  path: "init",
  summary: "Write what releases a program of yours: image map, Rollout, gates on its spans, collector",
  details:
    "Writes tracegate.yaml, application.yaml and release/ into the working directory, and commits them where there is no\n" +
    "Git repository yet. The program listens on $PORT and exports spans by OTLP to $OTEL_EXPORTER_OTLP_ENDPOINT, as every\n" +
    "OpenTelemetry SDK does. Then `tracegate up` runs it.",
  examples: ['tracegate init "node server.mjs"', 'tracegate init "./shop --verbose" --name shop --port 3000'],
  positionals: [{ name: "command", help: "the program's command line, in one word" }],
  options: {
    name: {
      flags: "--name <name>",
      help: "of the Rollout and its namespace (default: the directory's name)",
    },
    image: {
      flags: "--image <reference>",
      help: "what the program is called as an image (default: local/NAME)",
    },
    port: { flags: "--port <number>", help: "where it listens", default: "8080" },
    path: { flags: "--path <path>", help: "what the traffic generator asks for", default: "/" },
  },
  async run({ command: line, name: wanted, image: reference, port, path }, io) {
    const name = wanted ?? labelOf(basename(io.cwd));
    if (!/^[a-z]([-a-z0-9]{0,40}[a-z0-9])?$/.test(name)) {
      throw new ProblemError({
        code: "usage/name",
        where: "--name",
        message: `"${name}" cannot be the name of a Rollout and its namespace`,
        expected: "lower-case letters, digits and dashes, beginning with a letter",
      });
    }
    if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      const message = `"${port}" is no port`;
      throw new ProblemError({ code: "usage/port", where: "--port", message, expected: "1 to 65535" });
    }
    const repository = repositoryOf(io.cwd);
    const image = reference ?? `local/${name}`;
    const { env, words } = readCommandLine(line);
    const starter = { name, image, command: words, env, port: Number(port), path, repository };
    const files = starterFiles(starter);
    refuseToOverwrite(
      io.cwd,
      files.map((file) => file.path),
    );
    const isIsolated = await podsAreIsolated();
    requireProgram(configurationText(starter, []), { line, io, isIsolated });
    for (const { path: file, text } of files) {
      mkdirSync(dirname(join(io.cwd, file)), { recursive: true });
      writeFileSync(join(io.cwd, file), text);
    }
    const written = files.map((file) => file.path);
    io.out(`Wrote ${written.join(", ")}.\n`);
    if (repository.isNew) {
      if (!existsSync(join(io.cwd, ".gitignore"))) {
        writeFileSync(join(io.cwd, ".gitignore"), ".tracegate/\n");
        written.push(".gitignore");
      }
      commitFirst(io.cwd, written, `Release ${image}:1`);
      io.out("Committed them to a new Git repository.\n");
      if (!hasIdentity(io.cwd))
        io.out(
          "Note: git does not know who you are, and asks at your next commit: git config user.name NAME; " +
            "git config user.email ADDRESS\n",
        );
    }
    const missing = missingScript(words, io.cwd);
    if (missing !== undefined) io.out(`Note: ${missing} is not there yet, and nothing runs without it.\n`);
    io.out(nextSteps(starter, { isCommitted: repository.isNew, isIsolated }));
    return 0;
  },
});

/** As `up` will find it here; elsewhere it may be otherwise. */
const podsAreIsolated = (): Promise<boolean> =>
  chooseSandbox("auto").then(
    ({ kind }) => kind === "namespaced",
    () => true,
  );

/** A mistake in the command is told before anything is written, and of the command, not of a file that is not there yet. */
function requireProgram(
  configuration: string,
  { line, io, isIsolated }: { line: string; io: Io; isIsolated: boolean },
): void {
  try {
    const { images } = parseConfiguration(configuration, join(io.cwd, configurationFile));
    const stateDir = join(io.cwd, ".tracegate");
    const path = io.env["PATH"] ?? "";
    const places = { stateDir, emptyDir: stateDir, path, node: process.execPath, isIsolated };
    for (const image of images) ownImage(image, places);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw new ProblemError({ ...error.problem, where: line });
  }
}

function refuseToOverwrite(directory: string, paths: readonly string[]): void {
  const present = paths.filter((path) => existsSync(join(directory, path)));
  if (present.length === 0) return;
  throw new ProblemError({
    code: "input/exists",
    where: directory,
    message: `${present.join(", ")} ${present.length === 1 ? "is" : "are"} there already`,
    advice: "Nothing was written. Remove what is not needed any more, or work in another directory",
  });
}

/** A script that an interpreter would look for, and not find: one not built yet, or a slip. */
function missingScript([, ...words]: readonly string[], directory: string): string | undefined {
  const script = words.find((word) => !word.startsWith("-"));
  if (script === undefined || !/\.([cm]?[jt]s|py|rb|pl|sh)$/.test(script)) return undefined;
  return existsSync(resolve(directory, script)) ? undefined : script;
}

/** A directory's name as a DNS label. */
const labelOf = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[-0-9]+|-+$/g, "")
    .slice(0, 42);
