import type { IncomingMessage, ServerResponse } from "node:http";
import type { User } from "../auth/user.ts";
import type { RequestInfo } from "./request-info.ts";

/** One request on its way through the server. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly user: User;
}
