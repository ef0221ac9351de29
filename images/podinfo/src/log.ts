const levels = ["debug", "info", "warn", "error", "fatal", "panic"] as const;
export type Level = (typeof levels)[number];

export function isLevel(text: string): text is Level {
  return levels.some((level) => level === text);
}

export type Log = (
  level: Level,
  caller: string,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** JSON lines as podinfo's zap writes them to stderr; `caller` is a file of this image, without a line. */
export function jsonLog(options: {
  readonly level: Level;
  readonly now: () => Date;
  readonly write: (line: string) => void;
}): Log {
  return (level, caller, msg, fields = {}) => {
    if (levels.indexOf(level) < levels.indexOf(options.level)) return;
    options.write(`${JSON.stringify({ level, ts: options.now().toISOString(), caller, msg, ...fields })}\n`);
  };
}
