import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { quote } from "../values/go-text.ts";

/** A file of a volume, and which of a projected volume's sources it comes from. */
interface File {
  readonly path: string;
  readonly source: string;
}

/** Files of a volume that hide one another, and projected volumes without any. */
export function overlapWarnings(volumes: readonly JsonObject[]): string[] {
  return volumes.flatMap((volume) => {
    const name = quote(stringAt(volume, "name"));
    const warn = (what: string, files: readonly File[]) =>
      overlaps(files).map((overlap) => `volume ${name} (${what}): overlapping paths: ${overlap}`);
    const projected = objectAt(volume, "projected");
    const sources = listAt(projected, "sources").filter(isObject);
    const isEmpty = projected !== undefined && sources.every((source) => Object.keys(source).length === 0);
    return [
      ...["configMap", "secret", "downwardAPI"].flatMap((field) => {
        const source = objectAt(volume, field);
        return source === undefined ? [] : warn(sourceName(field, source), filesOf(source, ""));
      }),
      ...(isEmpty ? [`volume ${name} (Projected) has no sources provided`] : []),
      ...warn("Projected", sources.flatMap(projectedFiles)),
    ];
  });
}

function sourceName(field: string, source: JsonObject): string {
  if (field === "downwardAPI") return "DownwardAPI";
  const name = stringAt(source, "name") || stringAt(source, "secretName");
  return `${field === "secret" ? "Secret" : "ConfigMap"} ${quote(name)}`;
}

const filesOf = (source: JsonObject, name: string): File[] =>
  listAt(source, "items").map((item) => ({ path: stringAt(item, "path").replace(/\/+$/, ""), source: name }));

function projectedFiles(source: JsonObject): File[] {
  const token = objectAt(source, "serviceAccountToken");
  if (token !== undefined) return [{ path: stringAt(token, "path"), source: "ServiceAccountToken" }];
  return ["configMap", "secret", "downwardAPI"].flatMap((field) => {
    const own = objectAt(source, field);
    return own === undefined ? [] : filesOf(own, sourceName(field, own));
  });
}

/** `"a/b" with "a"`, for each file and those before it that are the same, above or below it. */
function overlaps(files: readonly File[]): string[] {
  const shown = ({ path, source }: File) => (source === "" ? quote(path) : `${quote(path)} (${source})`);
  return files.flatMap((file, i) =>
    files
      .slice(0, i)
      .filter(
        ({ path }) =>
          path === file.path || file.path.startsWith(`${path}/`) || path.startsWith(`${file.path}/`),
      )
      .map((other) => `${shown(file)} with ${shown(other)}`),
  );
}
