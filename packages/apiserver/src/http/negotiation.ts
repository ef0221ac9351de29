import { StatusError } from "@tracegate/kube";

/** How an answer is to be written. */
export interface Representation {
  readonly format: "json" | "yaml";
  /** Another form of the objects than their own. */
  readonly as?: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList";
  /** The version of that form's group. */
  readonly version?: string;
}

/** What an endpoint offers beside objects as they are. */
export interface Offer {
  readonly forms?: readonly string[];
  /** Whether a router stands in front that only knows whole media types: so it is for built-in resources. */
  readonly routed?: boolean;
  /** Whether the endpoint can be watched, too. */
  readonly watchable?: boolean;
  /** Only JSON. */
  readonly jsonOnly?: boolean;
}

const JSON_TYPE = "application/json";
const PROTOBUF = "application/vnd.kubernetes.protobuf";
const OBJECTS = [JSON_TYPE, "application/yaml", PROTOBUF];
const WATCHES = [`${JSON_TYPE};stream=watch`, `${PROTOBUF};stream=watch`];

const FORMATS: Readonly<Record<string, "json" | "yaml">> = {
  [JSON_TYPE]: "json",
  "application/yaml": "yaml",
  "application/*": "json",
  "*/*": "json",
};

/** The versions of the groups in which a form comes. */
const FORM_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  "meta.k8s.io": ["v1", "v1beta1"],
  "apidiscovery.k8s.io": ["v2", "v2beta1"],
};

interface Clause {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The first representation of an Accept header that this server can give. Protobuf is on the list of what real servers
 * have, but clients that ask for it always take JSON too, and get that.
 */
export function negotiate(accept: string | undefined, offer: Offer = {}): Representation {
  if (accept === undefined || accept.trim() === "") return { format: "json" };
  const clauses = accept
    .split(",")
    .map(readClause)
    .sort((a, b) => quality(b) - quality(a));
  const produced = offer.jsonOnly === true ? [JSON_TYPE] : OBJECTS;
  if (offer.routed === true || offer.jsonOnly === true) {
    const available = offer.watchable === true ? [...produced, ...WATCHES] : produced;
    const routable = clauses.some(({ mediaType }) => mediaType === "*/*" || produced.includes(mediaType));
    if (!routable)
      throw notAcceptable(`406: Not Acceptable\n\nAvailable representations: ${available.join(", ")}`, {});
  }
  for (const { mediaType, parameters } of clauses) {
    const format = FORMATS[mediaType.toLowerCase()];
    if (format === undefined) continue;
    const as = parameters.get("as");
    if (as === undefined) return { format };
    const [group = "meta.k8s.io", version = "v1"] = [parameters.get("g"), parameters.get("v")];
    if (!KNOWN_FORMS.has(as) || FORM_VERSIONS[group]?.includes(version) !== true) continue;
    if (offer.forms?.includes(as) !== true) continue;
    // One of the names that the caller passed, so of this type.
    return { format, as: as as NonNullable<Representation["as"]>, version };
  }
  throw notAcceptable(`only the following media types are accepted: ${OBJECTS.join(", ")}`);
}

/** How much the caller likes it; equals stay in their order. */
function quality({ parameters }: Clause): number {
  const q = Number(parameters.get("q") ?? "1");
  return Number.isFinite(q) ? q : 1;
}

const KNOWN_FORMS = new Set([
  "Table",
  "PartialObjectMetadata",
  "PartialObjectMetadataList",
  "APIGroupDiscoveryList",
]);

/** Whether a refusal would be read as YAML. */
export function refusalFormat(accept: string | undefined): "json" | "yaml" {
  const [first] = (accept ?? "").split(",").map(readClause);
  return first?.mediaType === "application/yaml" ? "yaml" : "json";
}

function readClause(text: string): Clause {
  const [mediaType = "", ...parameters] = text.split(";").map((part) => part.trim());
  return { mediaType, parameters: new Map(parameters.map(splitParameter)) };
}

function splitParameter(parameter: string): [name: string, value: string] {
  const equals = parameter.indexOf("=");
  return equals < 0
    ? [parameter, ""]
    : [parameter.slice(0, equals).trim(), parameter.slice(equals + 1).trim()];
}

/** 406. The router tells of details, if empty ones. */
export function notAcceptable(message: string, details?: object): StatusError {
  return new StatusError({
    message,
    reason: "NotAcceptable",
    ...(details === undefined ? {} : { details }),
    code: 406,
  });
}
