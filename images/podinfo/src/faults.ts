import { type Answer, failure, goJson, json } from "./answer.ts";
import type { Context } from "./context.ts";

/** Go's server refuses to write other codes. */
const [leastStatus, greatestStatus] = [100, 999];

/** Answers with the status that the path names. */
export function status({ parameter }: Context): Answer {
  const code = Number(parameter);
  if (!Number.isSafeInteger(code)) return outOfRange(parameter);
  return code < leastStatus || code > greatestStatus ? "abort" : json({ status: code }, code);
}

export async function delay({ parameter, sleep }: Context): Promise<Answer> {
  const seconds = Number(parameter);
  if (!Number.isSafeInteger(seconds)) return outOfRange(parameter);
  await sleep(seconds * 1000);
  return json({ delay: seconds });
}

/** The head at once, the body after the delay. */
export function chunked({ parameter, sleep }: Context): Answer {
  // podinfo draws a delay where the path names none, and breaks the connection: its bounds overflow.
  if (parameter === "") return "abort";
  const drawn = Number(parameter);
  if (!Number.isSafeInteger(drawn)) return "abort";
  return {
    status: 200,
    headers: { Connection: "Keep-Alive", "X-Content-Type-Options": "nosniff" },
    body: (async function* () {
      await sleep(drawn * 1000);
      yield goJson({ delay: drawn }, 2);
    })(),
  };
}

/** Ends the process. */
export function panic({ log, exit }: Context): Answer {
  log("info", "http/panic", "Panic command received");
  exit(255);
  return "abort";
}

/** One of the statuses that --random-error answers with. */
export function randomError(chance: number): Answer {
  return { status: [500, 400, 409][Math.floor(chance * 3)] ?? 500 };
}

function outOfRange(text: string): Answer {
  return failure(400, `strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`);
}
