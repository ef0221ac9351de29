import { type FieldError, fieldErrorText, invalid, required } from "@tracegate/kube";

/** `Invalid value`, as the message of a condition has it. */
export const bad = (path: string, value: unknown, detail: string): string =>
  text(invalid(path, value, detail));
/** `Required value`. */
export const missing = (path: string, detail: string): string => text(required(path, detail));
const text = (error: FieldError): string => fieldErrorText(error);
