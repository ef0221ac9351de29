import type { Status, StatusCause } from "../status.ts";
import { goJson, quote } from "../values/go-text.ts";

/** One complaint about one field, as `field.Error` of apimachinery words it. */
export interface FieldError {
  readonly reason: FieldErrorReason;
  /** `spec.containers[0].name`. */
  readonly field: string;
  /** The offending value; `OMIT_VALUE` where the text shows none. */
  readonly value?: unknown;
  readonly detail: string;
  /** What a cluster may allow. Absent: it is wrong everywhere. */
  readonly unless?: "privileged containers are allowed";
}

export type FieldErrorReason =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError"
  | "FieldValueTypeInvalid";

const TITLES: Record<FieldErrorReason, string> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  InternalError: "Internal error",
  FieldValueTypeInvalid: "Invalid value",
};

/** Reasons whose text never shows the value. */
const WITHOUT_VALUE = new Set<FieldErrorReason>([
  "FieldValueRequired",
  "FieldValueForbidden",
  "FieldValueTooLong",
  "InternalError",
]);

export const required = (field: string, detail = ""): FieldError => ({
  reason: "FieldValueRequired",
  field,
  detail,
});
export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  reason: "FieldValueInvalid",
  field,
  value,
  detail,
});
export const typeInvalid = (field: string, value: unknown, detail: string): FieldError => ({
  reason: "FieldValueTypeInvalid",
  field,
  value,
  detail,
});
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: "FieldValueNotSupported",
  field,
  value,
  detail: supported.length === 0 ? "" : `supported values: ${supported.map(quote).join(", ")}`,
});
export const duplicate = (field: string, value: unknown): FieldError => ({
  reason: "FieldValueDuplicate",
  field,
  value,
  detail: "",
});
export const forbidden = (field: string, detail: string): FieldError => ({
  reason: "FieldValueForbidden",
  field,
  detail,
});
export const notFound = (field: string, value: unknown): FieldError => ({
  reason: "FieldValueNotFound",
  field,
  value,
  detail: "",
});
export const tooLong = (field: string, maxBytes: number): FieldError => ({
  reason: "FieldValueTooLong",
  field,
  detail: `may not be more than ${maxBytes} ${maxBytes === 1 ? "byte" : "bytes"}`,
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  reason: "FieldValueTooMany",
  field,
  value: actual,
  detail: `must have at most ${max} ${max === 1 ? "item" : "items"}`,
});

/** Stands for a value that the text does not show. */
export const OMIT_VALUE = Symbol("no value");

/** `Invalid value: "x": must be …`, without the field. */
export function fieldErrorBody(error: FieldError): string {
  let text = TITLES[error.reason];
  if (!WITHOUT_VALUE.has(error.reason) && error.value !== OMIT_VALUE) text += `: ${valueText(error.value)}`;
  return error.detail === "" ? text : `${text}: ${error.detail}`;
}

/** `spec.x: Invalid value: "x": must be …`. */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${fieldErrorBody(error)}`;
}

/** The Status of a refused object: `Pod "p" is invalid: [E1, E2]`, with a cause for each error. */
export function invalidStatus(
  kind: { group: string; kind: string },
  name: string,
  errors: readonly FieldError[],
): Omit<Status, "kind" | "apiVersion" | "metadata" | "status"> {
  const who = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const causes: StatusCause[] = errors.map((error) => ({
    reason: error.reason,
    message: fieldErrorBody(error),
    field: error.field,
  }));
  return {
    message: `${who} ${quote(name)} is invalid: ${aggregateText(errors.map(fieldErrorText))}`,
    reason: "Invalid",
    details: {
      ...(name === "" ? {} : { name }),
      ...(kind.group === "" ? {} : { group: kind.group }),
      ...(kind.kind === "" ? {} : { kind: kind.kind }),
      causes,
    },
    code: 422,
  };
}

/** Several messages as apimachinery's `Aggregate` joins them: each once, in brackets when more than one. */
export function aggregateText(messages: readonly string[]): string {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? (distinct[0] ?? "") : `[${distinct.join(", ")}]`;
}

function valueText(value: unknown): string {
  return typeof value === "string" ? quote(value) : goJson(value);
}
