import { ProblemError } from "@tracegate/contracts";
import type { ApplicationState } from "./application-state.ts";
import type { Application } from "./types/application.ts";
import { permitSync, windowsOf } from "./windows.ts";

/** Whether the windows of an Application's project let a sync begin. Windows that cannot be read let none. */
export function permitsSync(
  application: Application,
  { project }: Pick<ApplicationState, "project">,
  manual: boolean,
  now: number,
): boolean {
  if (project === undefined) return true;
  try {
    return permitSync(windowsOf(project.spec, application), manual, now);
  } catch (error) {
    if (error instanceof ProblemError) return false;
    throw error;
  }
}
