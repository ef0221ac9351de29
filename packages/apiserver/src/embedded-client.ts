import {
  type DeleteOptions,
  type Kind,
  type KubeList,
  type KubeObject,
  type ListOptions,
  type Patch,
  type PatchOptions,
  type Ref,
  type ResourceClient,
  StatusError,
  type Watch,
  type WatchHandler,
  type WatchOptions,
  type WriteOptions,
} from "@tracegate/kube";
import type { Api } from "./core/api.ts";
import { patched } from "./core/patching.ts";
import { notServed } from "./core/refusals.ts";
import type { ServedKind } from "./core/served-kinds.ts";

/**
 * The API of this process as controllers see it. Reads are of the store itself; watch events come in the order of
 * writes, from microtasks.
 */
export function embeddedClient(
  api: Api,
  { fieldManager = "tracegate" }: { fieldManager?: string } = {},
): ResourceClient {
  const servedKind = (kind: Kind): ServedKind => {
    const served = api.kinds.find(kind.group, kind.version, kind.plural);
    if (served === undefined) throw notServed();
    return served;
  };
  // The kind's type parameter says what its objects look like; the store holds nothing else under it.
  const typed = <T extends KubeObject>(object: KubeObject): T => object as T;
  const writer = <O extends WriteOptions>(options: O | undefined) => ({ fieldManager, ...options });

  return {
    async get<T extends KubeObject>(kind: Kind<T>, ref: Ref): Promise<T> {
      return typed(api.get(servedKind(kind), ref));
    },

    async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<KubeList<T>> {
      const list = api.list(servedKind(kind), options);
      return { ...list, items: list.items.map((item) => typed<T>(item)) };
    },

    watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions, handler: WatchHandler<T>): Watch {
      let stop: (() => void) | undefined;
      let stopped = false;
      try {
        const start = api.watch(servedKind(kind), options, ({ type, object }) => {
          handler.event({ type, object: typed(object) });
        });
        stop = start.stop;
        for (const object of start.initial) {
          queueMicrotask(() => {
            if (!stopped) handler.event({ type: "ADDED", object: typed(object) });
          });
        }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        queueMicrotask(() => {
          if (!stopped) handler.close(error);
        });
      }
      return {
        stop() {
          stopped = true;
          stop?.();
        },
      };
    },

    async create<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T> {
      const served = servedKind(kind);
      if (kind.plural === "bindings" && kind.group === "") {
        const { name, namespace } = object.metadata;
        api.bind({ name, ...(namespace === undefined ? {} : { namespace }) }, object, writer(options));
        return object;
      }
      return typed(api.create(served, object.metadata.namespace, whole(served, object), writer(options)));
    },

    async update<T extends KubeObject>(
      kind: Kind<T>,
      object: T,
      options?: WriteOptions & { subresource?: string },
    ): Promise<T> {
      const served = servedKind(kind);
      const { name, namespace } = object.metadata;
      const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
      if (options?.subresource === "scale")
        return typed(api.updateScale(served, ref, () => object, writer(options)));
      return typed(api.update(served, ref, whole(served, object), writer(options)));
    },

    async patch<T extends KubeObject>(
      kind: Kind<T>,
      ref: Ref,
      patch: Patch,
      options?: PatchOptions,
    ): Promise<T> {
      const served = servedKind(kind);
      if (options?.subresource === "scale") {
        return typed(
          api.updateScale(served, ref, (current) => patched(served, current, patch), writer(options)),
        );
      }
      return typed(api.patch(served, ref, patch, writer(options)));
    },

    async delete(kind: Kind, ref: Ref, options?: DeleteOptions): Promise<void> {
      api.delete(servedKind(kind), ref, options ?? {});
    },

    async deleteCollection(kind: Kind, options: ListOptions & DeleteOptions): Promise<void> {
      api.deleteCollection(servedKind(kind), options, options);
    },
  };
}

/** The object with the kind it is sent to, as clients may leave it out. */
function whole(served: ServedKind, object: KubeObject): KubeObject {
  const apiVersion = served.group === "" ? served.version : `${served.group}/${served.version}`;
  return object.kind === served.kind && object.apiVersion === apiVersion
    ? object
    : { ...object, apiVersion, kind: served.kind };
}
