/**
 * What the controllers see of Git: a revision resolves to a commit, and a commit is a set of files. Nothing is ever
 * checked out, so no hook, filter or symbolic link of a source can act on this machine.
 */
export interface GitRepositories {
  /**
   * The commit (40 hex digits) that a branch, tag, SHA or semver constraint names; "" and `HEAD` are the default branch.
   * `fresh` asks the remote even when a recent answer is at hand. Rejects with a `SourceError`.
   */
  resolve(repoURL: string, revision: string, options?: { fresh?: boolean }): Promise<string>;
  /** The files of a commit. Rejects with a `SourceError`. */
  tree(repoURL: string, commit: string): Promise<RepositoryTree>;
}

export interface RepositoryTree {
  readonly commit: string;
  /** Paths of all files from the root, in lexical order. A link to a file inside the repository stands as that file. */
  readonly files: readonly string[];
  /** The contents of files of this tree; a path that is not in `files` is left out. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

const maxMessage = 8_000;

/** Some quote what a repository holds; a condition is no place for all of it. The cause stands at the end. */
const shortened = (text: string): string =>
  text.length > maxMessage ? `${text.slice(0, maxMessage / 4)} … ${text.slice(-maxMessage / 2)}` : text;

/** Why a source could not be read or rendered, in the words that conditions show. Never holds credentials. */
export class SourceError extends Error {
  /** The gRPC code the repository server of Argo CD would answer with; it is part of condition texts. */
  readonly code: string;
  /** The repository could not be asked: it may well answer the next time. */
  readonly unreachable: boolean;
  /** Reading the same commit again would end the same way. */
  readonly lasting: boolean;
  /** What was fetched cannot be read: fetched anew, it may well be. */
  readonly damaged: boolean;
  constructor(message: string, code = "Unknown", how: SourceErrorOptions = {}) {
    const { unreachable = false, lasting = code === "FailedPrecondition", damaged = false } = how;
    super(shortened(message));
    this.name = "SourceError";
    this.code = code;
    this.unreachable = unreachable;
    this.lasting = lasting;
    this.damaged = damaged;
  }
}

export interface SourceErrorOptions {
  readonly unreachable?: boolean;
  /** Taken to be so of what fails for the manifests themselves (`FailedPrecondition`). */
  readonly lasting?: boolean;
  readonly damaged?: boolean;
}

/** A commit that the server does not have; Git tells it twice when the repository is a folder. */
export function noSuchCommit(commit: string, repoURL: string): SourceError {
  const local = /^(?:file:|\/)/.test(repoURL) ? `fatal: git upload-pack: not our ref ${commit}\n` : "";
  return new SourceError(
    `failed to initialize repository resources: rpc error: code = Internal desc = Failed to checkout revision ${commit}: \`git fetch origin ${commit} --tags --force --prune\` failed exit status 128: ${local}fatal: remote error: upload-pack: not our ref ${commit}`,
  );
}

/** `https://user:secret@host/…` → `https://host/…`, anywhere in a text. */
export function withoutCredentials(text: string): string {
  // Up to the last @ before the path: a password may hold one.
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/gi, "$1");
}

export const isFullSha = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** Lexical order by bytes, as Git and Go's directory walk give it. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
