import { type JsonObject, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";

const HOST_PATH_TYPES = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** A path of the node itself. */
export function hostPathErrors(source: JsonObject, path: string): FieldError[] {
  const own = stringAt(source, "path");
  if (own === "") return [required(`${path}.path`)];
  const type = stringAt(source, "type");
  return [
    ...backstepErrors(own, `${path}.path`),
    ...(HOST_PATH_TYPES.includes(type) ? [] : [notSupported(`${path}.type`, type, HOST_PATH_TYPES)]),
  ];
}

/** Paths that lead out of where they begin. */
export const backstepErrors = (path: string, at: string): FieldError[] =>
  path.split("/").includes("..") ? [invalid(at, path, "must not contain '..'")] : [];
