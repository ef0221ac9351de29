import { isConflict } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { command, PluginError } from "./plugin.ts";

const attempts = 5;

export const setImage = command({
  path: "set image",
  use: "ROLLOUT_NAME CONTAINER=IMAGE...",
  summary: "Change images of a Rollout, which starts a release",
  examples: [
    "kubectl argo rollouts set image hotrod hotrod=jaegertracing/example-hotrod:1.76.0",
    "kubectl argo rollouts set image hotrod *=jaegertracing/example-hotrod:1.76.0",
  ],
  args: [2, Number.POSITIVE_INFINITY],
  async run([name = "", ...pairs], _flags, { client, namespace, io }) {
    const images = pairs.map(pairOf);
    const ref = { namespace, name };
    for (let attempt = 1; ; attempt++) {
      const rollout = await client.get(Rollout, ref);
      const { resourceVersion } = rollout.metadata;
      const body = {
        metadata: { resourceVersion },
        spec: { template: { spec: withImages(rollout, images) } },
      };
      try {
        await client.patch(Rollout, ref, { type: "merge", body });
        break;
      } catch (error) {
        if (!isConflict(error) || attempt === attempts) throw error;
      }
    }
    io.out(`rollout "${name}" image updated\n`);
    return 0;
  },
});

interface Pair {
  /** A container's name, or `*` for all. */
  readonly container: string;
  readonly image: string;
}

function pairOf(text: string): Pair {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new PluginError(`Expected arguments in the form of container=image. Got: ${text}`);
  return { container: text.slice(0, at), image: text.slice(at + 1) };
}

function withImages({ spec }: Rollout, images: readonly Pair[]) {
  const template = spec.template?.spec;
  if (template === undefined) throw new PluginError("the rollout takes its template from a workloadRef");
  const unused = new Set(images.map(({ container }) => container).filter((container) => container !== "*"));
  const changed = <C extends { name: string; image?: string }>(containers: readonly C[]): C[] =>
    containers.map((container) => {
      const pair = images.findLast((entry) => entry.container === "*" || entry.container === container.name);
      if (pair === undefined) return container;
      unused.delete(container.name);
      return { ...container, image: pair.image };
    });
  const result = {
    containers: changed(template.containers),
    ...(template.initContainers === undefined ? {} : { initContainers: changed(template.initContainers) }),
  };
  const [missing] = unused;
  if (missing !== undefined) throw new PluginError(`unable to find container named "${missing}"`);
  return result;
}
