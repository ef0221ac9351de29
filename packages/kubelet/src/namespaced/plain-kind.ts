import { createServer } from "node:net";
import { listening } from "../agent/relay.ts";

/** One of those that pods of the plain sandbox have where the machine lets them. */
const anAddress = "127.244.0.1";

export interface PlainKind {
  readonly kind: "plain" | "loopback";
  readonly why: string;
}

/** Which plain sandbox this machine can have, by trying; `TRACEGATE_LOOPBACK_ONLY=1` asks for the one that all can. */
export async function plainKind(env: NodeJS.ProcessEnv = process.env): Promise<PlainKind> {
  if (env["TRACEGATE_LOOPBACK_ONLY"] === "1")
    return { kind: "loopback", why: "TRACEGATE_LOOPBACK_ONLY=1 is set" };
  const server = createServer();
  try {
    await listening(server, anAddress, 0);
    server.close();
    return { kind: "plain", why: "all of 127.0.0.0/8 can be listened on" };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { kind: "loopback", why: `127.0.0.1 is all there is of the loopback (${words})` };
  }
}
