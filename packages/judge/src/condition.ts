import { conditionEnvironment, type Environment, timeEnvironment } from "./expr/environment.ts";
import { ExprError } from "./expr/error.ts";
import { evaluate } from "./expr/evaluate.ts";
import { goType, Time, type Value } from "./expr/values.ts";

/** What a condition said of one result: yes, no, or why it could not be asked. */
export type ConditionOutcome = { readonly holds: boolean } | { readonly error: string };

/** Asks one condition of a measurement's result. `now` is what `now()` answers, in milliseconds. */
export function evaluateCondition(condition: string, result: Value, now: number): ConditionOutcome {
  const outcome = attempt(condition, conditionEnvironment(result, now));
  if ("error" in outcome) return outcome;
  return typeof outcome.value === "boolean" ? { holds: outcome.value } : unexpected("bool", outcome.value);
}

/** A time that an expression computes, such as `now() - duration("10m")`, in milliseconds. */
export function evaluateTime(
  expression: string,
  now: number,
): { readonly ms: number } | { readonly error: string } {
  const outcome = attempt(expression, timeEnvironment(now));
  if ("error" in outcome) return outcome;
  return outcome.value instanceof Time ? { ms: outcome.value.ms } : unexpected("time.Time", outcome.value);
}

const unexpected = (type: string, value: Value): { readonly error: string } => ({
  error: `expected ${type}, but got ${goType(value)}`,
});

function attempt(
  source: string,
  environment: Environment,
): { readonly value: Value } | { readonly error: string } {
  try {
    return { value: evaluate(source, environment) };
  } catch (error) {
    if (error instanceof ExprError) return { error: error.message };
    throw error;
  }
}

export type MeasurementPhase = "Successful" | "Failed" | "Inconclusive" | "Error";

export interface Conditions {
  readonly successCondition?: string;
  readonly failureCondition?: string;
}

/**
 * The phase of one measurement. Without conditions it is Successful, as Argo Rollouts has it; with both, failure wins,
 * and neither holding is Inconclusive. Both are evaluated, so an error in either is an error.
 */
export function judgeMeasurement(
  { successCondition, failureCondition }: Conditions,
  result: Value,
  now: number,
): { readonly phase: MeasurementPhase; readonly message?: string } {
  const ask = (condition: string | undefined): ConditionOutcome | undefined =>
    condition === undefined || condition === "" ? undefined : evaluateCondition(condition, result, now);
  const success = ask(successCondition);
  if (success !== undefined && "error" in success) return { phase: "Error", message: success.error };
  const failure = ask(failureCondition);
  if (failure !== undefined && "error" in failure) return { phase: "Error", message: failure.error };
  if (failure?.holds === true) return { phase: "Failed" };
  if (success === undefined) return { phase: "Successful" };
  if (success.holds) return { phase: "Successful" };
  return { phase: failure === undefined ? "Failed" : "Inconclusive" };
}
