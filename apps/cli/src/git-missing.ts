import { ProblemError } from "@tracegate/contracts";

/** Without git there is nothing to deliver from. */
export const gitMissing = (): ProblemError =>
  new ProblemError({
    code: "unreachable/git",
    message: "git is not installed, or not on the PATH",
    advice:
      "Install git: repositories are made and read with it. `tracegate doctor` tells what else is missing",
  });
