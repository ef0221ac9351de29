import type { KustomizeSource } from "../../types/application.ts";
import { type ImageChange, type Kustomization, KustomizeError } from "./kustomization.ts";

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
  refuseTaken("label", file.commonLabels, commonLabels, overlay.forceCommonLabels);
  refuseTaken("annotation", file.commonAnnotations, commonAnnotations, overlay.forceCommonAnnotations);
  const plainLabels = overlay.labelWithoutSelector === true;
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
    ...(commonLabels === undefined || plainLabels
      ? {}
      : { commonLabels: { ...file.commonLabels, ...commonLabels } }),
    ...(commonLabels !== undefined && plainLabels
      ? {
          labels: [
            ...(file.labels ?? []),
            { pairs: commonLabels, includeTemplates: overlay.labelIncludeTemplates === true },
          ],
        }
      : {}),
    ...(commonAnnotations === undefined
      ? {}
      : { commonAnnotations: { ...file.commonAnnotations, ...commonAnnotations } }),
    ...(patches === undefined ? {} : { patches: [...(file.patches ?? []), ...patches] }),
    ...(components === undefined ? {} : { components: [...(file.components ?? []), ...components] }),
  };
}

/** As `kustomize edit add` does, a key that the file sets already is refused unless forced. */
function refuseTaken(
  what: "label" | "annotation",
  own: Readonly<Record<string, string>> | undefined,
  added: Readonly<Record<string, string>> | undefined,
  force: boolean | undefined,
): void {
  if (force === true) return;
  const taken = Object.keys(added ?? {}).find((key) => Object.hasOwn(own ?? {}, key));
  if (taken !== undefined) throw new KustomizeError(`${what} ${taken} already in kustomization file`);
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
