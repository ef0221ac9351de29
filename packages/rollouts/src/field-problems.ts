import { type FieldError, fieldErrorText, invalid, forbidden as notAllowed, required } from "@tracegate/kube";

/** `Invalid value`, as the message of a condition has it. */
export const bad = (path: string, value: unknown, detail: string): string =>
  text(invalid(path, value, detail));
/** `Required value`. */
export const missing = (path: string, detail: string): string => text(required(path, detail));
/** `Forbidden`. */
export const forbidden = (path: string, detail: string): string => text(notAllowed(path, detail));
/** `Internal error`. */
export const internal = (path: string, detail: string): string =>
  text({ reason: "InternalError", field: path, detail });
const text = (error: FieldError): string => fieldErrorText(error);
