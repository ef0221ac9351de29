import type { KustomizeSource } from "../../types/application.ts";
import type { ImageChange, Kustomization } from "./kustomization.ts";

/** An Application's `source.kustomize` counts as edits of the outermost file. */
export function withOverlay(file: Kustomization, overlay: KustomizeSource): Kustomization {
  const {
    namePrefix,
    nameSuffix,
    namespace,
    images,
    replicas,
    patches,
    commonLabels,
    commonAnnotations,
    components,
  } = overlay;
  return {
    ...file,
    ...(namePrefix ? { namePrefix } : {}),
    ...(nameSuffix ? { nameSuffix } : {}),
    ...(namespace ? { namespace } : {}),
    ...(images === undefined ? {} : { images: mergedImages(file.images ?? [], images.map(parseImage)) }),
    ...(replicas === undefined
      ? {}
      : {
          replicas: [
            ...(file.replicas ?? []).filter(({ name }) => !replicas.some((own) => own.name === name)),
            ...replicas.map(({ name, count }) => ({ name, count: Number(count) })),
          ],
        }),
    ...(commonLabels === undefined ? {} : { commonLabels: { ...file.commonLabels, ...commonLabels } }),
    ...(commonAnnotations === undefined
      ? {}
      : { commonAnnotations: { ...file.commonAnnotations, ...commonAnnotations } }),
    ...(patches === undefined ? {} : { patches: [...(file.patches ?? []), ...patches] }),
    ...(components === undefined ? {} : { components: [...(file.components ?? []), ...components] }),
  };
}

function mergedImages(own: readonly ImageChange[], added: readonly ImageChange[]): ImageChange[] {
  return [...own.filter(({ name }) => !added.some((other) => other.name === name)), ...added];
}

/** `name=new:tag`, `name:tag`, `name@digest`. */
export function parseImage(text: string): ImageChange {
  const equals = text.indexOf("=");
  const image = equals < 0 ? text : text.slice(equals + 1);
  const parts = /^(.*?)(?::([\w.-]+))?(?:@(.+))?$/s.exec(image);
  const newName = parts?.[1] ?? image;
  const name = equals < 0 ? newName : text.slice(0, equals);
  return {
    name,
    ...(newName === name ? {} : { newName }),
    ...(parts?.[2] === undefined ? {} : { newTag: parts[2] }),
    ...(parts?.[3] === undefined ? {} : { digest: parts[3] }),
  };
}
