import { isConflict, type PodTemplateSpec, type ResourceClient } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { UsageError } from "../cobra/command.ts";
import { command, PluginError } from "./plugin.ts";
import { templateOwner } from "./template-owner.ts";

const attempts = 5;

export const setImage = command({
  path: "set image",
  use: "ROLLOUT_NAME CONTAINER=IMAGE",
  summary: "Change images of a Rollout, which starts a release",
  examples: [
    "kubectl argo rollouts set image hotrod hotrod=jaegertracing/example-hotrod:1.76.0",
    "kubectl argo rollouts set image hotrod *=jaegertracing/example-hotrod:1.76.0",
  ],
  args: [2, Number.POSITIVE_INFINITY],
  async run([name = "", ...pairs], _flags, { client, namespace, io }) {
    const { kind, changed } = await setImages(client, { namespace, name }, pairs.map(pairOf));
    io.out(`${kind.toLowerCase()} "${changed}" image updated\n`);
    return 0;
  },
});

/** Changes images where the Rollout's template is; says where that was. */
export async function setImages(
  client: ResourceClient,
  ref: { readonly namespace: string; readonly name: string },
  images: readonly Pair[],
): Promise<{ readonly kind: string; readonly changed: string }> {
  for (let attempt = 1; ; attempt++) {
    const { kind, object } = await templateOwner(client, await client.get(Rollout, ref));
    const { name, resourceVersion = "" } = object.metadata;
    const body = {
      metadata: { resourceVersion },
      spec: { template: { spec: withImages(object.spec.template, images) } },
    };
    try {
      await client.patch(kind, { namespace: ref.namespace, name }, { type: "merge", body });
      return { kind: kind.kind, changed: name };
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error;
    }
  }
}

export interface Pair {
  /** A container's name, or `*` for all. */
  readonly container: string;
  readonly image: string;
}

function pairOf(text: string): Pair {
  const [container, image, ...more] = text.split("=");
  if (container === undefined || image === undefined || more.length > 0) throw new UsageError();
  return { container, image };
}

function withImages(template: PodTemplateSpec | undefined, images: readonly Pair[]) {
  const spec = template?.spec ?? { containers: [] };
  const unused = new Set(images.map(({ container }) => container).filter((container) => container !== "*"));
  const changed = <C extends { name: string; image?: string }>(containers: readonly C[]): C[] =>
    containers.map((container) => {
      const pair = images.findLast((entry) => entry.container === "*" || entry.container === container.name);
      if (pair === undefined) return container;
      unused.delete(container.name);
      return { ...container, image: pair.image };
    });
  const result = {
    containers: changed(spec.containers),
    ...(spec.initContainers === undefined ? {} : { initContainers: changed(spec.initContainers) }),
  };
  const [missing] = unused;
  if (missing !== undefined) throw new PluginError(`unable to find container named "${missing}"`);
  return result;
}
