import type { Clock } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import { abortRollout, promoteRollout, Rollout, restartRollout, retryRollout } from "@tracegate/rollouts";
import { allObjects, objectsOf } from "../objects.ts";
import { setImages } from "../set-image.ts";
import { write } from "../steer.ts";
import { undoTo } from "../undo.ts";
import { follows } from "../version.ts";
import { rolloutInfo } from "./rollout-info.ts";
import type { Subject } from "./streams.ts";

/** What the API is served from. */
export interface ApiContext {
  readonly client: ResourceClient;
  /** Of -n or the kubeconfig: what the page shows first. */
  readonly namespace: string;
  readonly clock: Clock;
}

/** What a path asks for: an answer, or a stream of them. */
export type Route =
  | { readonly kind: "answer"; answer(body: unknown): Promise<unknown> }
  | { readonly kind: "stream"; readonly subject: Subject };

/**
 * The dashboard's API with the paths and shapes of the original's, below its root: `/api/v1/…`. The namespace `*`, which the
 * original does not know, is all of them. Undefined where there is no such path.
 */
export function route(method: string, path: string, context: ApiContext): Route | undefined {
  const parts = path.split("/").map(decoded);
  const [api, version, ...rest] = parts.slice(1);
  if (parts[0] !== "" || api !== "api" || version !== "v1" || parts.includes(undefined)) return undefined;
  const words = rest.map((part) => part ?? "");
  return method === "GET" ? reading(words, context) : method === "PUT" ? changing(words, context) : undefined;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function reading(words: readonly string[], context: ApiContext): Route | undefined {
  const { client } = context;
  const [first, namespace = "", ...rest] = words;
  const within = namespace === "*" ? undefined : namespace;
  if (words.length === 1 && first === "version")
    return answer(async () => ({ rolloutsVersion: `${follows}+tracegate` }));
  if (words.length === 1 && first === "namespace") return answer(() => namespaces(context));
  if (first !== "rollouts" || namespace === "") return undefined;
  switch (rest.join(" ").replace(/^\S+ info/, "NAME info")) {
    case "info":
      return answer(async () => {
        const all = await allObjects(client, within);
        // What is empty is left out, this too.
        if (all.length === 0) return {};
        return { rollouts: all.map((objects) => rolloutInfo(objects, { runs: false })) };
      });
    case "info watch":
      return { kind: "stream", subject: { namespace: within } };
    case "NAME info":
      return answer(async () => rolloutInfo(await objectsOf(client, namespace, rest[0] ?? "")));
    case "NAME info watch":
      return { kind: "stream", subject: { namespace, name: rest[0] ?? "" } };
    default:
      return undefined;
  }
}

async function namespaces({ client, namespace }: ApiContext) {
  const { items } = await client.list(Rollout);
  const all = new Set(items.map(({ metadata }) => metadata.namespace ?? ""));
  return { namespace, ...(all.size === 0 ? {} : { availableNamespaces: [...all] }) };
}

function changing(words: readonly string[], { client, clock }: ApiContext): Route | undefined {
  const [rollouts, namespace = "", name = "", verb = "", ...rest] = words;
  if (rollouts !== "rollouts" || namespace === "" || name === "") return undefined;
  const ref = { namespace, name };
  const steer = (patches: (rollout: Rollout, body: unknown) => Parameters<typeof write>[2]) =>
    answer(async (body) => {
      const rollout = await client.get(Rollout, ref);
      return (await write(client, ref, patches(rollout, body))) ?? rollout;
    });
  switch (rest.length === 0 ? verb : `${verb} ${rest.length > 2 ? "with parts" : rest.length}`) {
    case "restart":
      return steer((rollout) => restartRollout(rollout, clock.now()));
    case "abort":
      return steer(abortRollout);
    case "retry":
      return steer(retryRollout);
    case "promote":
      return steer((rollout, body) => promoteRollout(rollout, isFull(body)));
    case "undo 1":
      if (!/^\d+$/.test(rest[0] ?? "")) return undefined;
      return answer(async () => {
        await undoTo(client, ref, Number(rest[0]));
        return client.get(Rollout, ref);
      });
    case "set with parts": {
      // The image may have slashes in it; its tag is what comes last.
      const [container = "", ...image] = rest.slice(0, -1);
      return answer(async () => {
        await setImages(client, ref, [{ container, image: `${image.join("/")}:${rest.at(-1)}` }]);
        return client.get(Rollout, ref);
      });
    }
    default:
      return undefined;
  }
}

const answer = (of: (body: unknown) => Promise<unknown>): Route => ({ kind: "answer", answer: of });

const isFull = (body: unknown): boolean =>
  typeof body === "object" && body !== null && "full" in body && body.full === true;
