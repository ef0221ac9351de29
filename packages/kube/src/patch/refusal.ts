import { StatusError } from "../status.ts";

/** 400: what was sent cannot be understood. */
export function badRequest(message: string): StatusError {
  return new StatusError({ message, reason: "BadRequest", code: 400 });
}
