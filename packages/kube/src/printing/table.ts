import { type JsonObject, objectAt, stringAt } from "../json.ts";
import { humanDuration } from "../values/duration.ts";
import { parseTime } from "../values/time.ts";

/** A column of a `Table` answer. Those of priority 0 are always shown, the others when asked for wide output. */
export interface TableColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description?: string;
  readonly priority: number;
}

export type Cell = string | number | boolean | null;

/** How objects of a kind are shown: the columns, and the cells of one object at a time (ms since the epoch). */
export interface TablePrinter {
  readonly columns: readonly TableColumn[];
  cells(object: JsonObject, now: number): Cell[];
  /** A table without rows says null rather than an empty list: kinds that upstream has no columns of its own for. */
  readonly nullWhenEmpty?: true;
  /** What is true of the row as a whole: finished pods. */
  conditions?(object: JsonObject): RowCondition[];
}

export interface RowCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** The column of names. */
export const NAME: TableColumn = { name: "Name", type: "string", format: "name", priority: 0 };

export function column(name: string, type: TableColumn["type"] = "string"): TableColumn {
  return { name, type, format: "", priority: 0 };
}

/** A column for wide output. */
export function wide(name: string, type: TableColumn["type"] = "string"): TableColumn {
  return { name, type, format: "", priority: 1 };
}

export const AGE = column("Age");

export function nameOf(object: JsonObject): string {
  return stringAt(objectAt(object, "metadata"), "name");
}

/** How long ago the object was created. */
export function ageOf(object: JsonObject, now: number): string {
  return since(objectAt(object, "metadata")?.["creationTimestamp"], now);
}

/** How long ago a time was. */
export function since(time: unknown, now: number): string {
  const ms = typeof time === "string" ? parseTime(time) : undefined;
  return ms === undefined ? "<unknown>" : humanDuration(now - ms);
}

/** The first of `max` texts, and how many more there are. */
export function someOf(texts: readonly string[], max: number, separator = ",", total = texts.length): string {
  const shown = texts.slice(0, max).join(separator);
  return texts.length > max ? `${shown} + ${total - max} more...` : shown;
}

/** The text, or `<none>` where it is empty. */
export const orNone = (text: string): string => (text === "" ? "<none>" : text);

/** NAME, one or more cells by a function, AGE. */
export function simplePrinter(
  columns: TablePrinter["columns"],
  middle: (object: JsonObject) => Cell[],
): TablePrinter {
  return {
    columns: [NAME, ...columns, AGE],
    cells: (object, now) => [nameOf(object), ...middle(object), ageOf(object, now)],
  };
}

/** A text or a number as text; anything else is absent. */
export const textOr = (value: unknown, none: string): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : none;
