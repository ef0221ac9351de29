/**
 * OpenAPI v2, only as far as clients insist on it: Go clients want a protobuf document that parses, and are content with
 * one that defines nothing.
 */

/** A gnostic `Document`: swagger "2.0", a title and version, no paths. */
export function emptySwaggerProtobuf(): Uint8Array {
  const text = (field: number, value: string) => [
    field * 8 + 2,
    value.length,
    ...Buffer.from(value, "latin1"),
  ];
  const info = [...text(1, "Kubernetes"), ...text(2, "v1")];
  return Uint8Array.from([...text(1, "2.0"), 2 * 8 + 2, info.length, ...info, 8 * 8 + 2, 0]);
}

/** The same as JSON. */
export const EMPTY_SWAGGER = {
  swagger: "2.0",
  info: { title: "Kubernetes", version: "v1" },
  paths: {},
  definitions: {},
} as const;
