import { type Controller, controllerOf } from "@tracegate/controller-runtime";
import {
  isNotFound,
  Job,
  jsonEqual,
  Pod,
  type Ref,
  type ResourceClient,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { claimed, claims } from "../pods/claiming.ts";
import { createPods, deletePods } from "../pods/pod-control.ts";
import { JOB_TRACKING, planJob } from "./plan.ts";

/** What Jobs may ask for that is not done here. */
interface JobWishes {
  readonly completionMode?: string;
  readonly podFailurePolicy?: unknown;
  readonly successPolicy?: unknown;
  readonly managedBy?: string;
}

/** Who looks after a Job that names nobody. */
const MANAGER = "kubernetes.io/job-controller";

/** Why a Job is not run, where it asks for what is not implemented. */
function notImplemented({ completionMode, podFailurePolicy, successPolicy }: JobWishes): string | undefined {
  if (completionMode === "Indexed") return "completionMode Indexed is not implemented; use NonIndexed";
  if (podFailurePolicy !== undefined) return "podFailurePolicy is not implemented; use backoffLimit";
  if (successPolicy !== undefined) return "successPolicy is not implemented; use completions";
  return undefined;
}

/** Runs Jobs to their end. What is not implemented is refused by an event, and the Job is left as it is. */
export function jobController(dependencies: WorkloadDependencies): Controller<Job> {
  const { client, clock, events } = dependencies;
  return {
    name: "job",
    kind: Job,
    watches: [{ kind: Pod, map: controllerOf(Job) }],
    async reconcile(ref) {
      const job = await client.get(Job, ref).catch(undefinedIfNotFound);
      if (job === undefined) return freeOrphans(client, ref);
      if (job.metadata.deletionTimestamp !== undefined) return freeOrphans(client, ref);
      // The types of the package hold what is used here; the stored object holds all.
      const wishes = job.spec as JobWishes;
      if ((wishes.managedBy ?? MANAGER) !== MANAGER) return undefined;
      const refused = notImplemented(wishes);
      if (refused !== undefined) {
        events.event(job, "Warning", "NotImplemented", refused);
        return undefined;
      }
      const plan = planJob({ job, pods: await podsOf(client, job) }, clock.now());
      if (plan.deleteJob) {
        await client.delete(Job, ref, { propagationPolicy: "Foreground", ...uidOf(job) });
        return undefined;
      }
      // Pods first: a status that tells of pods must not be there without them. What is counted is written before it is let go.
      await deletePods(dependencies, job, plan.delete);
      await createPods(dependencies, Job, job, job.spec.template, plan.create, tracked);
      if (!jsonEqual(job.status ?? {}, plan.status)) {
        await client.update(Job, { ...job, status: plan.status }, { subresource: "status" });
      }
      for (const pod of plan.counted) await release(client, pod);
      if (plan.event !== undefined) {
        events.event(job, plan.event.type, plan.event.reason, plan.event.message);
      }
      return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
    },
  };
}

const uidOf = ({ metadata: { uid } }: Job) => (uid === undefined ? {} : { preconditions: { uid } });

const tracked = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), JOB_TRACKING] },
});

async function podsOf(client: ResourceClient, job: Job): Promise<readonly Pod[]> {
  const { namespace, uid } = job.metadata;
  const all = (await client.list(Pod, namespace === undefined ? {} : { namespace })).items;
  if (job.spec.selector !== undefined) {
    return claimed(client, Pod, Job, job, claims(job, job.spec.selector, all));
  }
  return all.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
}

/** Pods of a Job that is gone or going are counted by nobody: nothing may hold them. */
async function freeOrphans(client: ResourceClient, { namespace, name }: Ref): Promise<undefined> {
  const all = (await client.list(Pod, namespace === undefined ? {} : { namespace })).items;
  for (const pod of all) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (owner?.kind === Job.kind && owner.name === name) await release(client, pod);
  }
}

async function release(client: ResourceClient, { metadata }: Pod): Promise<void> {
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(JOB_TRACKING)) return;
  const left = finalizers.filter((finalizer) => finalizer !== JOB_TRACKING);
  const { name, namespace, uid } = metadata;
  const ref = { name, ...(namespace !== undefined && { namespace }) };
  const body = { metadata: { uid, finalizers: left.length > 0 ? left : null } };
  try {
    await client.patch(Pod, ref, { type: "merge", body });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
