// A process that reads what strangers wrote: trees, YAML, kustomizations. It is ended from outside when it takes too long or
// too much memory; it keeps nothing but the trees it read last.
import { parametersOf } from "../applicationset/git-parameters.ts";
import { GeneratorError } from "../applicationset/params.ts";
import { type CommitPlace, readTree } from "../git/local-tree.ts";
import { type RepositoryTree, SourceError } from "../git/repositories.ts";
import { renderTree } from "../render/render.ts";
import {
  inParts,
  type ReadingAnswer,
  type ReadingEnd,
  type ReadingFailure,
  type ReadingRequest,
} from "./messages.ts";
import { retireAfterCpuSeconds } from "./process-pool.ts";

/** Many Applications come from one commit. */
const keptTrees = 4;
const trees = new Map<string, Promise<RepositoryTree>>();

function treeOf(place: CommitPlace): Promise<RepositoryTree> {
  const key = `${place.gitDir}\n${place.commit}`;
  const tree = trees.get(key) ?? readTree(place);
  tree.catch(() => trees.delete(key));
  trees.delete(key); // moves it to the young end
  trees.set(key, tree);
  for (const oldest of trees.keys()) {
    if (trees.size <= keptTrees) break;
    trees.delete(oldest);
  }
  return tree;
}

async function read(request: ReadingRequest, tell: (part: string) => void): Promise<ReadingEnd> {
  const tree = await treeOf(request);
  if (request.what === "parameters") {
    inParts(await parametersOf(request.generator, request.spec, tree), tell);
    return { what: "end" };
  }
  const { manifests, sourceType } = await renderTree(tree, request.source, request.application);
  inParts(manifests, tell);
  return { what: "end", sourceType };
}

function failure(error: unknown): ReadingFailure {
  if (error instanceof SourceError) {
    const { name, message, code, unreachable, lasting, damaged } = error;
    return { what: "failure", name, message, code, unreachable, lasting, damaged };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { what: "failure", name: error instanceof GeneratorError ? name : "Error", message };
}

/** Whether others should go on in a new one. */
function retired(): boolean {
  const { user, system } = process.cpuUsage(); // microseconds
  return user + system > retireAfterCpuSeconds * 1_000_000;
}

const send = (answer: ReadingAnswer) => process.send?.(answer);

process.on("message", (request: ReadingRequest) => {
  read(request, (text) => send({ what: "part", text }))
    .catch(failure)
    .then((last) => send({ ...last, retired: retired() }));
});
