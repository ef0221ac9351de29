/** Why an expression does not compile or evaluate, in the words of expr-lang (first line, without the position). */
export class ExprError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ExprError";
  }
}
