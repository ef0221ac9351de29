/** `Status` of meta/v1: how the API says no. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: StatusReason;
  details?: StatusDetails;
  code: number;
}

export type StatusReason =
  | "AlreadyExists"
  | "BadRequest"
  | "Conflict"
  | "Expired"
  | "Forbidden"
  | "Gone"
  | "InternalError"
  | "Invalid"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "NotFound"
  | "RequestEntityTooLarge"
  | "ServerTimeout"
  | "ServiceUnavailable"
  | "Timeout"
  | "TooManyRequests"
  | "Unauthorized"
  | "UnsupportedMediaType";

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** A refusal of the API as an exception. Ask with the predicates below rather than by message. */
export class StatusError extends Error {
  readonly status: Status;
  constructor(status: Omit<Status, "kind" | "apiVersion" | "metadata" | "status">) {
    super(status.message ?? status.reason ?? `status ${status.code}`);
    this.name = "StatusError";
    this.status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", ...status };
  }
}

/** Whether an error is the API's own refusal. */
export const isStatusError = (error: unknown): error is StatusError => error instanceof StatusError;

const hasReason = (error: unknown, ...reasons: StatusReason[]): boolean =>
  error instanceof StatusError && error.status.reason !== undefined && reasons.includes(error.status.reason);

export const isNotFound = (error: unknown): boolean => hasReason(error, "NotFound");
/** For `catch`: what is not there is no error, everything else is. */
export function undefinedIfNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}

export const isConflict = (error: unknown): boolean => hasReason(error, "Conflict");
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, "AlreadyExists");
export const isInvalid = (error: unknown): boolean => hasReason(error, "Invalid");
export const isForbidden = (error: unknown): boolean => hasReason(error, "Forbidden");
/** The watched resourceVersion is too old: list again. */
export const isExpired = (error: unknown): boolean => hasReason(error, "Expired", "Gone");
