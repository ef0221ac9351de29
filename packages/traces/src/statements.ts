import type { DatabaseSync, StatementSync } from "node:sqlite";

export type Statements = ReturnType<typeof prepareStatements>;
export type Row = ReturnType<StatementSync["all"]>[number];

/** Every question that the store asks its database, prepared once. */
export function prepareStatements(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  const spanColumns =
    "s.body AS body, s.service AS service, s.resource AS resource, s.scope AS scope, r.body AS resource_body, " +
    "r.schema_url AS resource_schema, c.body AS scope_body, c.schema_url AS scope_schema";
  const joined = "JOIN resources r ON r.id = s.resource JOIN scopes c ON c.id = s.scope";
  return {
    addResource: sql(
      "INSERT INTO resources (service, schema_url, body) VALUES (?, ?, ?) " +
        "ON CONFLICT DO UPDATE SET service = excluded.service RETURNING id",
    ),
    addScope: sql(
      "INSERT INTO scopes (schema_url, body) VALUES (?, ?) " +
        "ON CONFLICT DO UPDATE SET schema_url = excluded.schema_url RETURNING id",
    ),
    addTrace: sql(
      "INSERT INTO traces (trace_id, start_us, end_us, bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET " +
        "start_us = min(start_us, excluded.start_us), end_us = max(end_us, excluded.end_us), " +
        "bytes = bytes + excluded.bytes RETURNING id",
    ),
    addSpan: sql("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    addOperation: sql(
      "INSERT INTO operations VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_seen_us = max(last_seen_us, excluded.last_seen_us)",
    ),
    services: sql("SELECT DISTINCT service FROM operations ORDER BY service"),
    operations: sql("SELECT operation, kind FROM operations WHERE service = ? ORDER BY operation, kind"),
    spansOfTrace: sql(
      `SELECT ${spanColumns} FROM traces t JOIN spans s ON s.trace = t.id ${joined} WHERE t.trace_id = ? ORDER BY s.start_us, s.rowid`,
    ),
    tracesBetween: sql(
      "SELECT id, trace_id FROM traces WHERE end_us >= ? AND start_us <= ? ORDER BY start_us DESC",
    ),
    candidates: sql(
      `SELECT ${spanColumns} FROM spans s ${joined} WHERE s.trace = ? AND (? = '' OR s.service = ?) AND ` +
        "(? = '' OR s.operation = ?) AND s.start_us BETWEEN ? AND ? AND s.duration_us BETWEEN ? AND ?",
    ),
    dependencies: sql(
      "SELECT p.service AS parent, k.service AS child, count(*) AS calls FROM traces t " +
        "JOIN spans k ON k.trace = t.id JOIN spans p ON p.trace = t.id AND p.span_id = k.parent_id " +
        "WHERE t.start_us <= ? AND t.end_us >= ? AND k.parent_id <> '' AND p.service <> k.service " +
        "AND EXISTS (SELECT 1 FROM spans s WHERE s.trace = t.id AND s.start_us > ? AND s.start_us < ?) " +
        "GROUP BY parent, child ORDER BY parent, child",
    ),
    totalBytes: sql("SELECT coalesce(sum(bytes), 0) AS total FROM traces"),
    oldestTraces: sql("SELECT id, start_us, bytes FROM traces ORDER BY start_us LIMIT 10000"),
    deleteSpans: sql("DELETE FROM spans WHERE trace = ?"),
    deleteTrace: sql("DELETE FROM traces WHERE id = ?"),
    firstStart: sql("SELECT min(start_us) AS first FROM traces"),
    deleteOperations: sql("DELETE FROM operations WHERE last_seen_us < ?"),
  };
}
