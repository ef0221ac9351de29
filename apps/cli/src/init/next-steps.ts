import type { Starter } from "./starter.ts";

/** What to type once a starter is written. */
export function nextSteps(
  { name, image }: Pick<Starter, "name" | "image">,
  { isCommitted, isIsolated }: { isCommitted: boolean; isIsolated: boolean },
): string {
  // The traffic generator is a shell's command in a manifest.
  const up = isIsolated ? "tracegate up" : "tracegate up --allow-host-commands";
  const steps = [
    [up, `# runs ${image}:1`],
    [`tracegate rollouts status ${name} -n ${name}`, "# from another terminal"],
  ] as const;
  const width = Math.max(...steps.map(([step]) => step.length));
  return [
    "\nNext:\n",
    ...(isCommitted
      ? []
      : ["  git add tracegate.yaml application.yaml release && git commit -m 'Release 1'\n"]),
    ...steps.map(([step, comment]) => `  ${step.padEnd(width)}  ${comment}\n`),
    "Then change the tag in release/rollout.yaml, commit, and look again: the gates decide, on the spans\n",
    "that the program exports. A release without any is held.\n",
  ].join("");
}
