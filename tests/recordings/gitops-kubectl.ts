import { discoverKinds } from "@tracegate/gitops";
import { type Kind, type KubeObject, type Patch, parseJsonPatch, type ResourceClient } from "@tracegate/kube";

/**
 * What recordings do with kubectl: `scale KIND/NAME --replicas=N`, `delete KIND/NAME`, `patch KIND NAME -p JSON`, `annotate` and
 * `label KIND NAME key=value key-`, `create cm NAME --from-literal=key=value`. `get` changes nothing, and what it prints is not compared.
 */
export async function runKubectl(client: ResourceClient, [verb = "", ...words]: readonly string[]): Promise<void> {
  if (verb === "get" || verb === "wait") return;
  const { target, options } = parsed(words);
  const [first = "", second = ""] = target;
  const [word = "", name = second] = first.split("/");
  const kind = await kindNamed(client, word);
  const namespace = options.get("-n") ?? options.get("--namespace") ?? "default";
  const ref = kind.namespaced ? { namespace, name } : { name };
  switch (verb) {
    case "delete":
      await client.delete(kind, ref, { propagationPolicy: "Background" });
      return;
    case "scale": {
      const body = { spec: { replicas: Number(options.get("--replicas")) } };
      await client.patch(kind, ref, { type: "merge", body }, { subresource: "scale", fieldManager: "kubectl" });
      return;
    }
    case "patch": {
      const subresource = options.get("--subresource");
      const type = options.get("--type") === "json" ? "json" : "merge"; // the two that recordings use; objects are small
      const body: unknown = JSON.parse(options.get("-p") ?? options.get("--patch") ?? "{}");
      const how = { fieldManager: "kubectl-patch", ...(subresource === undefined ? {} : { subresource }) };
      const patch: Patch = type === "json" ? { type, operations: parseJsonPatch(body) } : { type, body };
      await client.patch(kind, ref, patch, how);
      return;
    }
    case "annotate":
    case "label": {
      const entries = target.slice(first.includes("/") ? 1 : 2).map((text): [string, string | null] => {
        const [key = "", value = ""] = /^([^=]*)=(.*)$/.exec(text)?.slice(1) ?? [];
        return key === "" ? [text.replace(/-$/, ""), null] : [key, value];
      });
      const field = verb === "label" ? "labels" : "annotations";
      const body = { metadata: { [field]: Object.fromEntries(entries) } };
      await client.patch(kind, ref, { type: "merge", body }, { fieldManager: `kubectl-${verb}` });
      return;
    }
    case "create": {
      if (kind.kind !== "ConfigMap") throw new Error(`the recording creates a ${kind.kind}, which the runner does not know`);
      const [key = "", value = ""] = /^([^=]*)=(.*)$/.exec(options.get("--from-literal") ?? "")?.slice(1) ?? [];
      const data = key === "" ? {} : { data: { [key]: value } };
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: ref, ...data };
      await client.create(kind, object, { fieldManager: "kubectl-create" });
      return;
    }
    default:
      throw new Error(`the recording runs kubectl ${verb}, which the runner does not know`);
  }
}

/** Flags whose value is the next word. */
const spaced = new Set(["-n", "-p", "-o", "-l", "--namespace", "--patch", "--type", "--subresource", "--replicas", "--from-literal"]);

function parsed(words: readonly string[]): { target: string[]; options: Map<string, string> } {
  const target: string[] = [];
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const equals = word.indexOf("=");
    if (!word.startsWith("-")) target.push(word);
    else if (word.startsWith("--") && equals > 0) options.set(word.slice(0, equals), word.slice(equals + 1));
    else if (spaced.has(word)) options.set(word, words[++at] ?? "");
    else options.set(word, "");
  }
  return { target, options };
}

const shortNames: Readonly<Record<string, string>> = {
  app: "Application",
  appset: "ApplicationSet",
  appproj: "AppProject",
  cm: "ConfigMap",
  crd: "CustomResourceDefinition",
  deploy: "Deployment",
  ds: "DaemonSet",
  ing: "Ingress",
  ns: "Namespace",
  rs: "ReplicaSet",
  sa: "ServiceAccount",
  sts: "StatefulSet",
  svc: "Service",
};

/** The kind that the API serves under a name: a kind, its plural or short name, with its group after a dot or without. */
async function kindNamed(client: ResourceClient, word: string): Promise<Kind<KubeObject>> {
  const { all } = await discoverKinds(client);
  const [plain = "", ...group] = word.toLowerCase().split(".");
  const wanted = (shortNames[plain] ?? plain).toLowerCase();
  const isIt = ({ kind, plural }: Kind) => kind.toLowerCase() === wanted || plural === wanted;
  const kind = all.find((one) => isIt(one) && one.group === group.join(".")) ?? all.find(isIt);
  if (kind === undefined) throw new Error(`the recording names the kind "${word}", which nobody serves`);
  return kind;
}
