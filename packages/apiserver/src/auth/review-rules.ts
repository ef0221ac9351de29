import { type FieldError, invalid as invalidField, type ObjectMeta } from "@tracegate/kube";
import { badRequest, invalid } from "../core/refusals.ts";

/** Upstream names only the group here: the kind is lost in its internal form. */
const REVIEW = { group: "authorization.k8s.io", kind: "" };

interface Attributes {
  namespace?: string;
  verb?: string;
  group?: string;
  resource?: string;
  subresource?: string;
  name?: string;
}

export interface ReviewSpec {
  resourceAttributes?: Attributes;
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  groups?: string[];
  namespace?: string;
  token?: string;
  audiences?: string[];
}

/** Refuses a review that does not say what it asks, or about whom. `namespace` is that of the path. */
export function checkReview(
  plural: string,
  spec: ReviewSpec,
  namespace: string | undefined,
  metadata: Partial<ObjectMeta>,
): void {
  if (plural === "selfsubjectrulesreviews" && (spec.namespace ?? "") === "")
    throw badRequest("no namespace on request");
  if (plural === "tokenreviews" && (spec.token ?? "") === "") {
    throw badRequest("token is required for TokenReview in authentication");
  }
  if (!plural.endsWith("accessreviews")) return;
  const errors = attributeErrors(spec);
  const others = plural !== "selfsubjectaccessreviews";
  if (others && (spec.user ?? "") === "" && (spec.groups ?? []).length === 0) {
    errors.push(invalidField("spec.user", "", "at least one of user or group must be specified"));
  }
  if (plural === "localsubjectaccessreviews") errors.push(...localErrors(spec, namespace ?? ""));
  const { managedFields: _, namespace: __, creationTimestamp: ___, ...said } = metadata;
  if (Object.keys(said).length > 0) errors.push(invalidField("metadata", metadata, "must be empty"));
  if (errors.length > 0) throw invalid(REVIEW, "", errors);
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: ReviewSpec): FieldError[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const { path = "", verb = "" } = nonResourceAttributes;
    const detail = "cannot be specified in combination with resourceAttributes";
    return [invalidField("spec.nonResourceAttributes", { Path: path, Verb: verb }, detail)];
  }
  if (resourceAttributes !== undefined || nonResourceAttributes !== undefined) return [];
  const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [invalidField("spec.resourceAttributes", null, detail)];
}

function localErrors(spec: ReviewSpec, namespace: string): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceAttributes: attributes, nonResourceAttributes: path } = spec;
  if (attributes !== undefined && (attributes.namespace ?? "") !== namespace) {
    const field = "spec.resourceAttributes.namespace";
    errors.push(invalidField(field, attributes.namespace ?? "", "must match metadata.namespace"));
  }
  if (path !== undefined) {
    const shown = { Path: path.path ?? "", Verb: path.verb ?? "" };
    errors.push(invalidField("spec.nonResourceAttributes", shown, "disallowed on this kind of request"));
  }
  return errors;
}
