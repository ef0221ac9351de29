import { autoscalerPrinter } from "./autoscaler.ts";
import * as cluster from "./cluster.ts";
import { plainPrinter } from "./custom.ts";
import { eventPrinter } from "./events.ts";
import * as network from "./network.ts";
import { podPrinter } from "./pods.ts";
import * as storage from "./storage.ts";
import type { TablePrinter } from "./table.ts";
import * as workloads from "./workloads.ts";

const PRINTERS: Readonly<Record<string, TablePrinter>> = {
  Pod: podPrinter,
  Service: network.servicePrinter,
  Endpoints: network.endpointsPrinter,
  "EndpointSlice.discovery.k8s.io": network.endpointSlicePrinter,
  "Ingress.networking.k8s.io": network.ingressPrinter,
  "NetworkPolicy.networking.k8s.io": network.networkPolicyPrinter,
  Namespace: cluster.namespacePrinter,
  ConfigMap: cluster.configMapPrinter,
  Secret: cluster.secretPrinter,
  ServiceAccount: cluster.serviceAccountPrinter,
  Node: cluster.nodePrinter,
  Event: eventPrinter,
  "Event.events.k8s.io": eventPrinter,
  ResourceQuota: cluster.resourceQuotaPrinter,
  LimitRange: cluster.createdAtPrinter,
  PersistentVolume: storage.volumePrinter,
  PersistentVolumeClaim: storage.claimPrinter,
  "StorageClass.storage.k8s.io": storage.storageClassPrinter,
  "PriorityClass.scheduling.k8s.io": cluster.priorityClassPrinter,
  "Lease.coordination.k8s.io": cluster.leasePrinter,
  "PodDisruptionBudget.policy": cluster.disruptionBudgetPrinter,
  "HorizontalPodAutoscaler.autoscaling": autoscalerPrinter,
  "Role.rbac.authorization.k8s.io": cluster.createdAtPrinter,
  "ClusterRole.rbac.authorization.k8s.io": cluster.createdAtPrinter,
  "RoleBinding.rbac.authorization.k8s.io": cluster.roleBindingPrinter,
  "ClusterRoleBinding.rbac.authorization.k8s.io": cluster.roleBindingPrinter,
  "CustomResourceDefinition.apiextensions.k8s.io": cluster.createdAtPrinter,
  ReplicationController: workloads.replicationControllerPrinter,
  PodTemplate: workloads.podTemplatePrinter,
  "IngressClass.networking.k8s.io": network.ingressClassPrinter,
  "Deployment.apps": workloads.deploymentPrinter,
  "ReplicaSet.apps": workloads.replicaSetPrinter,
  "DaemonSet.apps": workloads.daemonSetPrinter,
  "StatefulSet.apps": workloads.statefulSetPrinter,
  "ControllerRevision.apps": workloads.controllerRevisionPrinter,
  "Job.batch": workloads.jobPrinter,
  "CronJob.batch": workloads.cronJobPrinter,
  "Scale.autoscaling": workloads.scalePrinter,
};

/** The table of a built-in kind; NAME and AGE for kinds without one of their own. */
export function builtInPrinter({ group, kind }: { group: string; kind: string }): TablePrinter {
  return PRINTERS[group === "" ? kind : `${kind}.${group}`] ?? plainPrinter;
}
