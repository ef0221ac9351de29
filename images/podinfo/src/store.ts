import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Answer, failure, json, readBody } from "./answer.ts";
import type { Context } from "./context.ts";

/** Keeps a body in a file that its SHA-1 names. */
export async function write({ settings, request, log }: Context): Promise<Answer> {
  const body = await readBody(request);
  const hash = createHash("sha1").update(body).digest("hex");
  const file = join(settings.dataPath, hash);
  try {
    await writeFile(file, body, { mode: 0o644 });
  } catch (error) {
    log("warn", "http/store", "writing file failed", { error: String(error), file });
    return failure(500, "writing file failed");
  }
  return json({ hash }, 202);
}

/** The path has one part, and no `..`: nothing above the folder is read. */
export async function read({ settings, parameter, log }: Context): Promise<Answer> {
  const file = join(settings.dataPath, parameter);
  try {
    return { status: 202, body: await readFile(file) };
  } catch (error) {
    log("warn", "http/store", "reading file failed", { error: String(error), file });
    return failure(500, "reading file failed");
  }
}
