import type { FunctionSignature, ValueType } from "./ast.ts";

const v = "vector";
const m = "matrix";
const s = "scalar";
const t = "string";

const table: FunctionSignature[] = [];

function add(
  names: string,
  args: readonly ValueType[],
  returns: ValueType,
  optional = 0,
  experimental = false,
) {
  for (const name of names.split(" ")) table.push({ name, args, returns, optional, experimental });
}

add("abs ceil floor exp ln log2 log10 sqrt sgn", [v], v);
add("sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad", [v], v);
add("pi time", [], s);
add("start end step range", [], s, 0, true);
add("min_of max_of", [s, s], s, 0, true);
add("round", [v, s], v, 1);
add("clamp", [v, s, s], v);
add("clamp_min clamp_max", [v, s], v);
add("absent", [v], v);
add("scalar", [v], s);
add("vector", [s], v);
add("timestamp", [v], v);
add("minute hour day_of_week day_of_month day_of_year days_in_month month year", [v], v, 1);
add("label_replace", [v, t, t, t, t], v);
add("label_join", [v, t, t, t], v, -1);
add("sort sort_desc", [v], v);
add("sort_by_label sort_by_label_desc", [v, t], v, -1, true);
add("rate increase delta irate idelta changes resets deriv", [m], v);
add("predict_linear", [m, s], v);
add("double_exponential_smoothing", [m, s, s], v, 0, true);
add("avg_over_time sum_over_time min_over_time max_over_time count_over_time present_over_time", [m], v);
add("last_over_time first_over_time stddev_over_time stdvar_over_time absent_over_time", [m], v);
add("quantile_over_time", [s, m], v);
add("mad_over_time ts_of_first_over_time ts_of_last_over_time", [m], v, 0, true);
add("ts_of_min_over_time ts_of_max_over_time", [m], v, 0, true);
add("histogram_quantile", [s, v], v);
add("histogram_fraction", [s, s, v], v);

/** Functions of the language that are refused by name, because they need what the store does not hold. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ..."histogram_count histogram_sum histogram_avg histogram_stddev histogram_stdvar histogram_quantiles"
    .split(" ")
    .map((name): [string, string] => [name, "native histograms are not supported"]),
  ["info", "info metrics are not joined"],
  ["start_timestamp", "start timestamps are not stored"],
]);

export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map(table.map((f) => [f.name, f]));

/** Why a known function cannot be called here; `undefined` for names the language does not have. */
export const refusalOf = (name: string): string | undefined => REFUSED.get(name);
