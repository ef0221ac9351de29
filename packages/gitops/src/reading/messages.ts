import type { CommitPlace } from "../git/local-tree.ts";
import type { ApplicationSource, SourceType } from "../types/application.ts";
import type { ApplicationSetSpec, GitGenerator } from "../types/application-set.ts";

// What goes between the control plane and a reading process. Plain data: it is copied.

/** What to read of a commit. */
export type ReadingRequest = CommitPlace &
  (
    | {
        readonly what: "manifests";
        readonly source: ApplicationSource;
        readonly application: string | undefined;
      }
    | {
        readonly what: "parameters";
        readonly generator: GitGenerator;
        readonly spec: ApplicationSetSpec;
      }
  );

/** Any number of parts, and then an end or a failure. */
export type ReadingAnswer =
  /** A list as JSON. */
  { readonly what: "part"; readonly text: string } | (ReadingEnd & Last) | (ReadingFailure & Last);

interface Last {
  /** The process has done enough: it is to be replaced. */
  readonly retired?: boolean;
}

export interface ReadingEnd {
  readonly what: "end";
  readonly sourceType?: SourceType;
}

export interface ReadingFailure {
  readonly what: "failure";
  /** `SourceError` or `GeneratorError`; anything else is a mistake of ours. */
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly unreachable?: boolean;
  readonly lasting?: boolean;
  readonly damaged?: boolean;
}

/** Characters of a part: the control plane reads it in some milliseconds, and has other turns between two. */
const partSize = 250_000;

/** Tells values as JSON lists of about `partSize`; a value that is larger is one of its own. */
export function inParts(values: readonly unknown[], tell: (part: string) => void, size = partSize): void {
  let part: string[] = [];
  let length = 0;
  const end = () => {
    if (part.length > 0) tell(`[${part.join(",")}]`);
    part = [];
    length = 0;
  };
  for (const value of values) {
    const text = JSON.stringify(value);
    if (length + text.length > size) end();
    part.push(text);
    length += text.length;
  }
  end();
}
