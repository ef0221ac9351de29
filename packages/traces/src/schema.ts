import { DatabaseSync } from "node:sqlite";

/**
 * Spans are kept as their protobuf bytes beside the few columns that searches look at; resources and scopes, which
 * repeat endlessly, are kept once. Times and durations are integer microseconds, Jaeger's unit.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS resources (
  id INTEGER PRIMARY KEY, service TEXT NOT NULL, schema_url TEXT NOT NULL, body BLOB NOT NULL,
  UNIQUE (body, schema_url)
);
CREATE TABLE IF NOT EXISTS scopes (
  id INTEGER PRIMARY KEY, schema_url TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (body, schema_url)
);
CREATE TABLE IF NOT EXISTS traces (
  id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL UNIQUE, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS traces_by_start ON traces (start_us);
CREATE TABLE IF NOT EXISTS spans (
  trace INTEGER NOT NULL REFERENCES traces (id), span_id TEXT NOT NULL, parent_id TEXT NOT NULL,
  service TEXT NOT NULL, operation TEXT NOT NULL, start_us INTEGER NOT NULL, duration_us INTEGER NOT NULL,
  resource INTEGER NOT NULL REFERENCES resources (id), scope INTEGER NOT NULL REFERENCES scopes (id),
  body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS spans_of_trace ON spans (trace, span_id);
CREATE TABLE IF NOT EXISTS operations (
  service TEXT NOT NULL, operation TEXT NOT NULL, kind INTEGER NOT NULL, last_seen_us INTEGER NOT NULL,
  PRIMARY KEY (service, operation, kind)
) WITHOUT ROWID;
`;

const VERSION = 1;

/** Opens (or makes) the database. WAL: a process killed at any moment loses nothing that was committed. */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;");
  const row = database.prepare("PRAGMA user_version").get();
  const found = Number(row?.["user_version"] ?? 0);
  if (found > VERSION) {
    database.close();
    throw new Error(`${path} was written by a newer version (schema ${found}, this one knows ${VERSION})`);
  }
  database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${VERSION}; COMMIT;`);
  return database;
}
