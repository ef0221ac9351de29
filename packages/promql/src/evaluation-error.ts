/** Why an evaluation ended without a value. HTTP answers it with `kind`. */
export class EvaluationError extends Error {
  readonly kind: "execution" | "timeout" | "canceled";
  constructor(message: string, kind: "execution" | "timeout" | "canceled" = "execution") {
    super(message);
    this.name = "EvaluationError";
    this.kind = kind;
  }
}
