import { type Logger, pino } from "pino";

/**
 * The platform's own log. Where it cannot be written (a full disk) that is told once and the platform goes on: what happens
 * meanwhile is lost to the log alone.
 */
export function openLog(file: string, announce: (line: string) => void): Logger {
  const destination = pino.destination({ dest: file, sync: true });
  destination.once("error", ({ code, message }: NodeJS.ErrnoException) => {
    announce(`The log ${file} cannot be written (${code ?? message}); what it misses is lost.`);
    destination.on("error", () => {});
  });
  return pino({ base: null }, destination);
}
