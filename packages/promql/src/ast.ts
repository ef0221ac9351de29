import type { Matcher } from "@tracegate/contracts";
import type { Span } from "./position.ts";

/** The four types of the language. */
export type ValueType = "scalar" | "vector" | "matrix" | "string";

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | Binary
  | Unary
  | Paren;

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  readonly span: Span;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly span: Span;
}

/** When a selector looks, other than at the evaluation time. */
export interface TimeShift {
  /** `offset`, in milliseconds back. */
  readonly offsetMs: number;
  /** `@`: a time in milliseconds, or a bound of the query. */
  readonly at?: number | "start" | "end";
}

export interface VectorSelector {
  readonly kind: "vector";
  /** All matchers, the one for the metric name included. */
  readonly matchers: readonly Matcher[];
  readonly shift: TimeShift;
  readonly span: Span;
}

export interface MatrixSelector {
  readonly kind: "matrix";
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  readonly span: Span;
}

export interface Subquery {
  readonly kind: "subquery";
  readonly expr: Expr;
  readonly rangeMs: number;
  /** Absent: the engine's default. */
  readonly stepMs?: number;
  readonly shift: TimeShift;
  readonly span: Span;
}

/** What a function takes and gives. */
export interface FunctionSignature {
  readonly name: string;
  readonly args: readonly ValueType[];
  /** How many of the last arguments may be left out; -1: the last one may also be repeated without end. */
  readonly optional: number;
  readonly returns: ValueType;
  /** Accepted only with the experimental functions switched on. */
  readonly experimental: boolean;
}

export interface Call {
  readonly kind: "call";
  readonly func: FunctionSignature;
  readonly args: readonly Expr[];
  readonly span: Span;
}

export const AGGREGATORS = [
  "sum",
  "avg",
  "min",
  "max",
  "count",
  "group",
  "stddev",
  "stdvar",
  "quantile",
  "topk",
  "bottomk",
  "count_values",
  "limitk",
  "limit_ratio",
] as const;
export type Aggregator = (typeof AGGREGATORS)[number];

/** Aggregations that take a parameter before the vector. */
export const WITH_PARAMETER: ReadonlySet<Aggregator> = new Set<Aggregator>([
  "quantile",
  "topk",
  "bottomk",
  "count_values",
  "limitk",
  "limit_ratio",
]);

export interface Aggregation {
  readonly kind: "aggregation";
  readonly op: Aggregator;
  readonly expr: Expr;
  readonly param?: Expr;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly span: Span;
}

export type ArithmeticOp = "+" | "-" | "*" | "/" | "%" | "^" | "atan2";
export type ComparisonOp = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type SetOp = "and" | "or" | "unless";
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp;

export interface Matching {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly group?: "left" | "right";
  readonly include: readonly string[];
}

export interface Binary {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly lhs: Expr;
  readonly rhs: Expr;
  readonly bool: boolean;
  /** Means something only when both sides are vectors. */
  readonly matching: Matching;
  readonly span: Span;
}

export interface Unary {
  readonly kind: "unary";
  readonly op: "+" | "-";
  readonly expr: Expr;
  readonly span: Span;
}

export interface Paren {
  readonly kind: "paren";
  readonly expr: Expr;
  readonly span: Span;
}

export const isComparison = (op: string): op is ComparisonOp =>
  op === "==" || op === "!=" || op === "<" || op === "<=" || op === ">" || op === ">=";
export const isSetOp = (op: string): op is SetOp => op === "and" || op === "or" || op === "unless";

/** The type of an expression that has been checked. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vector":
    case "aggregation":
      return "vector";
    case "matrix":
    case "subquery":
      return "matrix";
    case "call":
      return expr.func.returns;
    case "paren":
    case "unary":
      return typeOf(expr.expr);
    case "binary":
      return typeOf(expr.lhs) === "scalar" && typeOf(expr.rhs) === "scalar" ? "scalar" : "vector";
  }
}

/** As messages name the types. */
export const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

/** The expression without the parentheses around it. */
export function unwrap(expr: Expr): Expr {
  return expr.kind === "paren" ? unwrap(expr.expr) : expr;
}
