import { createServer, type Server } from "node:net";
import { listening } from "../relay.ts";

/** Below the ports that systems hand out by themselves and those of node ports, above those that programs are known by. */
const range = { first: 20_000, count: 10_000 } as const;
/** Ports come in blocks. Whoever listens on the first port of a block has the others: no two agents look at the same ones. */
const blockSize = 250;
const blockCount = range.count / blockSize;

/** Ports of one address of this machine that nobody else is given, until they are given back. */
export interface FreePorts {
  /** Rejects where all blocks are held by others. */
  take(): Promise<number>;
  giveBack(port: number): void;
}

/** Blocks are tried from `firstBlock` on. What is held is held until the process ends. */
export function freePorts(address: string, firstBlock: number): FreePorts {
  /** What was given back comes last: where connections have just ended, not every program can listen at once. */
  const left: number[] = [];
  let tried = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const takeBlock = async (): Promise<void> => {
    for (; tried < blockCount; tried += 1) {
      const first = range.first + ((firstBlock + tried) % blockCount) * blockSize;
      if ((await held(address, first)) === undefined) continue;
      for (let port = first + 1; port < first + blockSize; port += 1) left.push(port);
      tried += 1;
      return;
    }
    throw new Error("no port of the machine is left for another pod");
  };

  const next = async (): Promise<number> => {
    for (;;) {
      for (let port = left.shift(); port !== undefined; port = left.shift()) {
        if (await isFree(address, port)) return port;
      }
      await takeBlock();
    }
  };

  return {
    take() {
      const mine = turn.then(next);
      turn = mine.catch(() => {});
      return mine;
    },
    giveBack: (port) => void left.push(port),
  };
}

/** A listener that holds a port and serves nobody. Undefined where somebody else has it. */
async function held(address: string, port: number): Promise<Server | undefined> {
  const server = createServer((connection) => connection.destroy());
  try {
    await listening(server, address, port);
    return server.unref();
  } catch {
    return undefined;
  }
}

async function isFree(address: string, port: number): Promise<boolean> {
  const server = await held(address, port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}
