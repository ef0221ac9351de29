import {
  builtInGroupVersions,
  CustomResourceDefinition,
  defineKind,
  type Kind,
  type ResourceClient,
} from "@tracegate/kube";

/** Every stored kind of the built-in groups, once each (the preferred version of a group). */
export function builtInKinds(): readonly Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { group, version, resources } of builtInGroupVersions()) {
    for (const { kind, plural, namespaced, verbs } of resources) {
      const key = `${group}/${plural}`;
      if (kinds.has(key)) continue;
      if (!["list", "watch", "delete"].every((verb) => verbs.includes(verb))) continue;
      kinds.set(
        key,
        defineKind(group === "" ? version : `${group}/${version}`, kind, plural, { namespaced }),
      );
    }
  }
  return [...kinds.values()];
}

/** The kind that a definition serves, in its first served version. */
export function definedKind({ spec, status }: CustomResourceDefinition): Kind | undefined {
  const established = status?.conditions?.some(
    ({ type, status: holds }) => type === "Established" && holds === "True",
  );
  const version = spec.versions.find(({ served }) => served);
  if (version === undefined || established !== true) return undefined;
  const { kind, plural } = spec.names;
  const namespaced = spec.scope === "Namespaced";
  return defineKind(`${spec.group}/${version.name}`, kind, plural, { namespaced });
}

/** All stored kinds of the moment. */
export async function servedKinds(client: ResourceClient): Promise<readonly Kind[]> {
  const definitions = await client.list(CustomResourceDefinition);
  return [...builtInKinds(), ...definitions.items.flatMap((definition) => definedKind(definition) ?? [])];
}
