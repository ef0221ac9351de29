import { StatusError } from "@tracegate/kube";

/** How an answer is to be written. */
export interface Representation {
  readonly format: "json" | "yaml";
  /** Another form of the objects than their own. */
  readonly as?: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList";
  /** The version of that form's group. */
  readonly version?: string;
}

/** The representations that 406 offers. */
const AVAILABLE = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/json;stream=watch",
  "application/vnd.kubernetes.protobuf;stream=watch",
];

const FORMATS: Readonly<Record<string, "json" | "yaml">> = {
  "application/json": "json",
  "application/yaml": "yaml",
  "application/*": "json",
  "*/*": "json",
};

/**
 * The first representation of an Accept header that this server can give. Protobuf is on the list of what real servers
 * have, but clients that ask for it always take JSON too, and get that.
 */
export function negotiate(accept: string | undefined, forms: readonly string[]): Representation {
  if (accept === undefined || accept.trim() === "") return { format: "json" };
  for (const clause of accept.split(",")) {
    const [mediaType = "", ...parameters] = clause.split(";").map((part) => part.trim());
    const format = FORMATS[mediaType.toLowerCase()];
    if (format === undefined) continue;
    const given = new Map(parameters.map((parameter) => splitParameter(parameter)));
    const as = given.get("as");
    if (as === undefined) return { format };
    if (!forms.includes(as)) continue;
    // One of the names that the caller passed, so of this type.
    const form = as as NonNullable<Representation["as"]>;
    return { format, as: form, version: given.get("v") ?? "v1" };
  }
  throw notAcceptable();
}

function splitParameter(parameter: string): [name: string, value: string] {
  const equals = parameter.indexOf("=");
  return equals < 0
    ? [parameter, ""]
    : [parameter.slice(0, equals).trim(), parameter.slice(equals + 1).trim()];
}

function notAcceptable(): StatusError {
  return new StatusError({
    message: `406: Not Acceptable\n\nAvailable representations: ${AVAILABLE.join(", ")}`,
    reason: "NotAcceptable",
    details: {},
    code: 406,
  });
}
