/** Ends the command with one line of log and an exit code: 20 for what an API or argument says, 1 for plain checks. */
export class Fatal extends Error {
  readonly exit: number;
  constructor(message: string, exit: 1 | 2 | 20 = 20) {
    super(message);
    this.exit = exit;
  }
}
