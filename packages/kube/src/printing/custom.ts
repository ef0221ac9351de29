import type { CustomResourceVersion } from "../types/apiextensions.ts";
import { jsonPathValues } from "./json-path.ts";
import { ageOf, type Cell, NAME, nameOf, since, type TableColumn, type TablePrinter } from "./table.ts";

type PrinterColumn = NonNullable<CustomResourceVersion["additionalPrinterColumns"]>[number];

const CREATED: PrinterColumn = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };

/** The table of a custom resource: its name and the columns that its definition declares, else its age. */
export function customPrinter(
  version: Pick<CustomResourceVersion, "additionalPrinterColumns">,
): TablePrinter {
  const declared = version.additionalPrinterColumns ?? [];
  const columns = declared.length === 0 ? [CREATED] : declared;
  return {
    columns: [NAME, ...columns.map(columnOf)],
    cells: (object, now) => [nameOf(object), ...columns.map((column) => cellOf(column, object, now))],
  };
}

/** The table of a kind without one of its own. */
export const plainPrinter: TablePrinter = {
  columns: [NAME, { name: "Age", type: "string", format: "", priority: 0 }],
  cells: (object, now) => [nameOf(object), ageOf(object, now)],
};

function columnOf({ name, type, format = "", priority = 0, description }: PrinterColumn): TableColumn {
  const known = TYPES.find((candidate) => candidate === type) ?? "string";
  return { name, type: known, format, ...(description === undefined ? {} : { description }), priority };
}

const TYPES = ["string", "integer", "number", "boolean", "date"] as const;

/** A value of another type than the column's is null. */
function cellOf({ type, jsonPath }: PrinterColumn, object: unknown, now: number): Cell {
  const values = jsonPathValues(jsonPath, object) ?? [];
  const [value] = values;
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return since(value, now);
    default:
      return values.map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item))).join(",");
  }
}
