/** Colours text by its meaning; the plain one leaves it as it is. */
export type Painter = (tone: Tone, text: string) => string;
export type Tone = "good" | "bad" | "warning" | "progress" | "paused" | "quiet" | "heading" | "current";

export const plain: Painter = (_tone, text) => text;

/** Icons of states, as the kubectl plugin shows them. */
const icons: Readonly<Record<string, readonly [string, Tone]>> = {
  Healthy: ["✔", "good"],
  Successful: ["✔", "good"],
  Running: ["✔", "good"],
  Completed: ["✔", "good"],
  Succeeded: ["✔", "good"],
  Degraded: ["✖", "bad"],
  Failed: ["✖", "bad"],
  ReplicaFailure: ["✖", "bad"],
  CrashLoopBackOff: ["✖", "bad"],
  OOMKilled: ["✖", "bad"],
  RunContainerError: ["✖", "bad"],
  Error: ["⚠", "warning"],
  ErrImagePull: ["⚠", "warning"],
  ImagePullBackOff: ["⚠", "warning"],
  InvalidImageName: ["⚠", "warning"],
  Progressing: ["◌", "progress"],
  Pending: ["◌", "progress"],
  Terminating: ["◌", "progress"],
  ContainerCreating: ["◌", "progress"],
  PodInitializing: ["◌", "progress"],
  Paused: ["॥", "paused"],
  ScaledDown: ["•", "quiet"],
  Inconclusive: ["?", "paused"],
};

/** A run or Job that is under way is not a pod that is up. */
const runIcons: Readonly<Record<string, readonly [string, Tone]>> = {
  Running: ["◌", "progress"],
  Pending: ["◷", "progress"],
};

/** Icon, name and tone of a state. */
export function stateIcon(
  state: string,
  kind: "run" | "other" = "other",
): { readonly icon: string; readonly tone: Tone } {
  const [icon, tone] = (kind === "run" ? runIcons[state] : undefined) ??
    icons[state] ?? ["?", "paused" as const];
  return { icon, tone };
}
