import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";

/**
 * Takes away the fields whose features a server of this version has switched off, in place. Who wrote them owns them all
 * the same: upstream drops them once it has settled who owns what.
 */
export function dropDisabledFields(object: JsonObject): void {
  const spec = objectAt(object, "spec") ?? {};
  const name = `${stringAt(object, "apiVersion")} ${stringAt(object, "kind")}`;
  const path = POD_SPECS[name];
  const podSpec = path?.reduce<JsonObject | undefined>((at, key) => objectAt(at, key), object);
  if (podSpec !== undefined) dropFromPod(podSpec);
  switch (name) {
    case "coordination.k8s.io/v1 Lease":
      drop(spec, "strategy", "preferredHolder");
      break;
    case "autoscaling/v2 HorizontalPodAutoscaler":
      for (const direction of ["scaleUp", "scaleDown"]) {
        drop(objectAt(objectAt(spec, "behavior"), direction), "tolerance");
      }
      break;
    case "apps/v1 StatefulSet":
      drop(objectAt(objectAt(spec, "updateStrategy"), "rollingUpdate"), "maxUnavailable");
      break;
    case "discovery.k8s.io/v1 EndpointSlice":
      for (const endpoint of listAt(object, "endpoints").filter(isObject))
        drop(endpoint, "deprecatedTopology");
      break;
  }
}

const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  "v1 Pod": ["spec"],
  "v1 PodTemplate": ["template", "spec"],
  "v1 ReplicationController": ["spec", "template", "spec"],
  "apps/v1 Deployment": ["spec", "template", "spec"],
  "apps/v1 ReplicaSet": ["spec", "template", "spec"],
  "apps/v1 DaemonSet": ["spec", "template", "spec"],
  "apps/v1 StatefulSet": ["spec", "template", "spec"],
  "batch/v1 Job": ["spec", "template", "spec"],
  "batch/v1 CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
};

function drop(object: JsonObject | undefined, ...fields: readonly string[]): void {
  for (const field of fields) delete object?.[field];
}

/** Volumes that hold an image go with all that mounts them. */
function dropImageVolumes(spec: JsonObject): void {
  const isImage = (volume: unknown) => isObject(objectAt({ volume }, "volume")?.["image"]);
  const volumes = listAt(spec, "volumes");
  if (!volumes.some(isImage)) return;
  const dropped = new Set(volumes.filter(isImage).map((volume) => stringAt(volume, "name")));
  keepOf(spec, "volumes", (volume) => !isImage(volume));
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    for (const container of listAt(spec, list).filter(isObject)) {
      keepOf(container, "volumeMounts", (mount) => !dropped.has(stringAt(mount, "name")));
    }
  }
}

function keepOf(holder: JsonObject, field: string, keep: (item: unknown) => boolean): void {
  const kept = listAt(holder, field).filter(keep);
  if (kept.length > 0) holder[field] = kept;
  else delete holder[field];
}

function dropFromPod(spec: JsonObject): void {
  drop(spec, "hostnameOverride");
  dropImageVolumes(spec);
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    for (const container of listAt(spec, list).filter(isObject)) {
      // Only init containers have a policy of their own, which makes sidecars of them.
      const sidecar = list === "initContainers" && container["restartPolicy"] === "Always";
      drop(container, "restartPolicyRules", ...(sidecar ? [] : ["restartPolicy"]));
      const lifecycle = objectAt(container, "lifecycle");
      if (lifecycle?.["stopSignal"] === undefined) continue;
      drop(lifecycle, "stopSignal");
      if (Object.keys(lifecycle).length === 0) drop(container, "lifecycle");
    }
  }
}
