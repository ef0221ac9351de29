import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { VolumeFile } from "./protocol.ts";

/**
 * Writes a volume's files as the kubelet does, so that readers see the old or the new set and never a mixture: the
 * files go into a new directory, `..data` is switched to it in one rename, and each file is a link through `..data`.
 */
export function replaceVolumeFiles(volume: string, files: readonly VolumeFile[]): void {
  const before = linkTarget(join(volume, "..data"));
  const fresh = mkdtempSync(join(volume, "..files_"));
  const name = fresh.slice(volume.length + 1);
  for (const { path, content, mode } of files) {
    const file = join(fresh, join("/", path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.from(content, "base64"), { mode });
  }
  symlinkSync(name, join(volume, "..data_tmp"));
  renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
  const wanted = new Set(readdirSync(fresh));
  const present = new Set(readdirSync(volume).filter((entry) => !entry.startsWith("..")));
  for (const entry of wanted)
    if (!present.has(entry)) symlinkSync(join("..data", entry), join(volume, entry));
  for (const entry of present) if (!wanted.has(entry)) rmSync(join(volume, entry), { force: true });
  if (before !== undefined) rmSync(join(volume, before), { recursive: true, force: true });
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
