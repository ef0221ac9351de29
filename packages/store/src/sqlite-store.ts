import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type ChangeLog, LoggedStore } from "./logged-store.ts";
import { Mirror } from "./mirror.ts";
import { ForeignFileError, openProblem, writeProblem } from "./sqlite-problems.ts";
import type { Store, StoredValue, StoreOptions } from "./store.ts";

/**
 * A store in one SQLite file. Every write is its own transaction in the write-ahead log, in the hands of the operating
 * system before the call returns: killing the process loses nothing (a power cut may lose the last moments, but never
 * tears). One process at a time: the file is locked while open.
 *
 * Throws `ProblemError` when the file cannot be opened, is locked, is no store, or cannot be written.
 */
export function sqliteStore(path: string, options: SqliteOptions = {}): Store {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    prepareSchema(database);
    if (options.pageLimit !== undefined) database.exec(`PRAGMA max_page_count = ${options.pageLimit}`);
    const mirror = loadMirror(database);
    return new LoggedStore(mirror, new SqliteLog(database, path), options);
  } catch (error) {
    if (database?.isOpen) database.close();
    throw openProblem(path, error);
  }
}

export interface SqliteOptions extends StoreOptions {
  /** The largest size of the file in pages of 4 KiB; writing beyond is a full disk. Default: what the disk holds. */
  readonly pageLimit?: number;
}

/** Marks the file as ours and says which layout it has (`PRAGMA user_version`). */
const LAYOUT = 1;
const APPLICATION_ID = 0x54524754;

function prepareSchema(database: DatabaseSync): void {
  // Exclusive before WAL: the index of the log then lives in this process and no other can open the file.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  database.exec("BEGIN IMMEDIATE");
  const version = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  if ((version !== 0 && version !== LAYOUT) || (application !== 0 && application !== APPLICATION_ID)) {
    throw new ForeignFileError(LAYOUT, version);
  }
  database.exec(`
    CREATE TABLE IF NOT EXISTS log (
      revision INTEGER PRIMARY KEY,
      key TEXT NOT NULL,
      deleted INTEGER NOT NULL,
      value TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS log_by_key ON log (key, revision);
    CREATE TABLE IF NOT EXISTS compaction (only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL) STRICT;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${LAYOUT};
  `);
  database.exec("COMMIT");
}

function pragma(database: DatabaseSync, name: string): number {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name];
  return typeof value === "number" ? value : 0;
}

function loadMirror(database: DatabaseSync): Mirror {
  const mirror = new Mirror();
  const compacted = Number(database.prepare("SELECT revision FROM compaction").get()?.["revision"] ?? 0);
  const rows = database.prepare("SELECT revision, key, deleted, value FROM log ORDER BY revision").iterate();
  for (const row of rows) {
    const revision = Number(row["revision"]);
    const key = String(row["key"]);
    // Written by `append`, always a JSON object.
    const value = JSON.parse(String(row["value"])) as StoredValue;
    if (revision <= compacted) mirror.load({ key, revision, value });
    else mirror.apply(key, revision, value, row["deleted"] === 1);
  }
  mirror.revision = Math.max(mirror.revision, compacted);
  mirror.compact(compacted);
  return mirror;
}

/**
 * The log as a table with a row for each change. Compaction removes rows that a later one has replaced and deletions,
 * so what is left at or before the compacted revision is the state at that revision.
 */
class SqliteLog implements ChangeLog {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#insert = database.prepare("INSERT INTO log (revision, key, deleted, value) VALUES (?, ?, ?, ?)");
  }

  append(revision: number, key: string, value: StoredValue, deleted: boolean): void {
    this.#guard(() => this.#insert.run(revision, key, deleted ? 1 : 0, JSON.stringify(value)));
  }

  compact(revision: number): void {
    this.#guard(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      this.#database
        .prepare(
          `DELETE FROM log WHERE revision <= ?1 AND (deleted = 1 OR EXISTS (
             SELECT 1 FROM log AS later WHERE later.key = log.key AND later.revision > log.revision AND later.revision <= ?1))`,
        )
        .run(revision);
      this.#database
        .prepare("INSERT OR REPLACE INTO compaction (only, revision) VALUES (1, ?)")
        .run(revision);
      this.#database.exec("COMMIT");
    });
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw writeProblem(this.#path, error);
    }
  }
}
