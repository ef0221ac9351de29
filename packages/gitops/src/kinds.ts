import {
  apiVersionOf,
  builtInGroupVersions,
  CustomResourceDefinition,
  defineKind,
  type Kind,
  type KubeObject,
  type ResourceClient,
} from "@tracegate/kube";
import { groupOf, type Manifest } from "./manifest.ts";

/** The kinds a destination serves. */
export interface KindCatalogue {
  /** The kind of a manifest: exactly, or what is installed of its group and kind. */
  find(
    manifest: Pick<KubeObject, "apiVersion" | "kind">,
  ): { kind: Kind<Manifest> } | { otherVersion: string } | undefined;
  readonly all: readonly Kind<Manifest>[];
}

export function kindCatalogue(kinds: readonly Kind[]): KindCatalogue {
  // Manifests say nothing of their object type; the catalogue reads every kind as a plain manifest.
  const all = kinds as readonly Kind<Manifest>[];
  const exact = new Map(all.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]));
  const byGroup = new Map(all.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  return {
    all,
    find(manifest) {
      const kind = exact.get(`${manifest.apiVersion}/${manifest.kind}`);
      if (kind !== undefined) return { kind };
      const other = byGroup.get(`${groupOf(manifest)}/${manifest.kind}`);
      return other === undefined ? undefined : { otherVersion: other.version };
    },
  };
}

/** The built-in kinds and those of the CustomResourceDefinitions that the API holds now. */
export async function discoverKinds(
  client: ResourceClient,
  builtIn: readonly Kind[] = builtInKinds,
): Promise<KindCatalogue> {
  const definitions = await client.list(CustomResourceDefinition);
  const custom = definitions.items.flatMap(({ spec }) =>
    spec.versions
      .filter(({ served }) => served)
      .map(({ name }) =>
        defineKind(`${spec.group}/${name}`, spec.names.kind, spec.names.plural, {
          namespaced: spec.scope === "Namespaced",
        }),
      ),
  );
  return kindCatalogue([...builtIn, ...custom]);
}

/** What manifests may hold of the API's own kinds; groups that only answer requests are left out. */
export const builtInKinds: readonly Kind[] = builtInGroupVersions().flatMap(({ group, version, resources }) =>
  resources
    .filter(({ verbs }) => verbs.includes("create") && verbs.includes("list"))
    .map(({ kind, plural, namespaced }) =>
      defineKind(group === "" ? version : `${group}/${version}`, kind, plural, { namespaced }),
    ),
);
