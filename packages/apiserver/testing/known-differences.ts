/** Recorded requests that this server answers otherwise, and why. */
export const knownDifferences: Readonly<Record<string, string>> = {
  "http/livez-verbose":
    "lists the checks that the server has, which are not those of kube-apiserver's inside",
  "update/pod-immutable": "the message ends with the changed paths instead of a diff of Go's internal form",
  "update/job-template-immutable": "the value is shown in its API form instead of Go's internal one",
  "patch/type-error": "the value quoted holds what controllers beside the recorded server wrote",
  "table/events": "events come from controllers, which do not run here",
  "table/deployments": "UP-TO-DATE is counted by the deployment controller",
  "table/jobs": "the start time behind DURATION is set by the job controller",
  "table/daemonsets": "the row shows the annotation that the object has; upstream's internal form hides it",
};
