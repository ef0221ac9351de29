import { ProblemError } from "@tracegate/contracts";
import { EvaluationError, InvalidTypeError, ParseError } from "@tracegate/promql";

export type ErrorType =
  | "bad_data"
  | "execution"
  | "canceled"
  | "timeout"
  | "internal"
  | "unavailable"
  | "not_found"
  | "not_acceptable";

const STATUS: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  unavailable: 500,
  not_found: 404,
  not_acceptable: 406,
};

/** An answer of `{"status":"error", …}`. */
export class ApiError extends Error {
  readonly type: ErrorType;
  constructor(type: ErrorType, message: string) {
    super(message);
    this.name = "ApiError";
    this.type = type;
  }

  get status(): number {
    return STATUS[this.type];
  }
}

export const invalidParameter = (name: string, what: string): ApiError =>
  new ApiError("bad_data", `invalid parameter ${JSON.stringify(name)}: ${what}`);

/** What a caught error is on the wire. A text of ours goes out as it is; anything unforeseen is `internal`. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ParseError || error instanceof InvalidTypeError)
    return invalidParameter("query", error.message);
  if (error instanceof EvaluationError) return new ApiError(error.kind, error.message);
  if (error instanceof ProblemError) return new ApiError("bad_data", error.message);
  return new ApiError("internal", error instanceof Error ? error.message : String(error));
}
