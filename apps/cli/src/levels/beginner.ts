import { Application, ApplicationSet } from "@tracegate/gitops";
import { Deployment, undefinedIfNotFound } from "@tracegate/kube";
import type { Level, World } from "./level.ts";

const environments = ["staging", "prod"];
const folder = "adventures/01-echoes-lost-in-orbit/beginner/manifests";

/** One echo server in two environments by GitOps: the ApplicationSet makes a mess of them. */
export const beginner: Level = {
  name: "beginner",
  title: "Broken Echoes",
  path: folder,
  faults: {
    "one-name": "both environments ask for an Application of one name",
    "one-namespace": "both environments go to one namespace",
    "no-automation": "nothing is synced, healed or pruned by itself",
  },
  namespaces: ["echo", ...environments.map((environment) => `echo-${environment}`)],
  applications: 2,
  look: [
    "argocd app list",
    "argocd appset get echo-server",
    "kubectl get applicationset echo-server -n argocd -o yaml",
  ],
  afterPush: [`kubectl apply -n argocd -f ${folder}/appset.yaml`, "argocd app list"],
  objectives: [
    {
      text: "Two Applications, one an environment",
      async check({ client }) {
        const found = await overlays({ client });
        const missing = environments.filter((environment) => !found.has(environment));
        if (missing.length === 0) return [];
        const set = await client
          .get(ApplicationSet, {
            namespace: "argocd",
            name: "echo-server",
          })
          .catch(undefinedIfNotFound);
        const said = (set?.status?.conditions ?? []).filter(
          ({ type, status }) => type === "ErrorOccurred" && status === "True",
        );
        return [
          `no Application deploys overlays/${missing.join(" and overlays/")}`,
          ...said.map(({ message }) => `the ApplicationSet says: ${message}`),
          "what makes the names of the Applications differ?",
        ];
      },
    },
    {
      text: "Each environment in a namespace of its own, and healthy",
      async check({ client }) {
        const found = await overlays({ client });
        const checked = await Promise.all(
          environments.map(async (environment) => {
            const namespace = `echo-${environment}`;
            const application = found.get(environment);
            if (application === undefined) return [`no Application deploys overlays/${environment}`];
            const destination = application.spec.destination.namespace;
            if (destination !== namespace)
              return [`${application.metadata.name} goes to namespace ${destination}, not ${namespace}`];
            const { items } = await client.list(Deployment, { namespace });
            const serves = items.some(({ status }) => (status?.readyReplicas ?? 0) > 0);
            return serves ? [] : [`no echo server is ready in ${namespace}`];
          }),
        );
        return checked.flat();
      },
    },
    {
      text: "What is changed by hand is put back, and what leaves Git leaves the cluster",
      async check({ client }) {
        const { items } = await client.list(Application, { namespace: "argocd" });
        if (items.length === 0) return ["there are no Applications"];
        return items.flatMap(({ metadata, spec }) => {
          const { automated } = spec.syncPolicy ?? {};
          if (automated === undefined || automated.enabled === false)
            return [`${metadata.name} is not synced by itself: look at syncPolicy`];
          return [
            ...(automated.selfHeal === true ? [] : [`${metadata.name} does not heal itself`]),
            ...(automated.prune === true ? [] : [`${metadata.name} does not prune`]),
          ];
        });
      },
    },
    {
      text: "All of it comes out of Git",
      async check({ client }) {
        const { items } = await client.list(Application, { namespace: "argocd" });
        if (items.length === 0) return ["there are no Applications"];
        return items.flatMap(({ metadata: { name }, status }) => {
          if (status?.sync?.status === "Synced") return [];
          const { phase, message } = status?.operationState ?? {};
          const failed = phase === "Failed" || phase === "Error";
          const apart = (status?.resources ?? [])
            .filter(({ status }) => status === "OutOfSync")
            .map(
              ({ kind, namespace, name, requiresPruning }) =>
                `${kind} ${name} in ${namespace}${requiresPruning === true ? " is in Git no more" : ""}`,
            );
          const why = failed ? message : apart.join(", ");
          return [
            `${name} is ${status?.sync?.status ?? "Unknown"}${why === undefined || why === "" ? "" : `: ${why}`}`,
            `see: argocd app get ${name} --refresh`,
          ];
        });
      },
    },
  ],
};

/** The level's Applications by the overlay that they deploy. */
async function overlays({ client }: Pick<World, "client">): Promise<Map<string, Application>> {
  const { items } = await client.list(Application, { namespace: "argocd" });
  return new Map(
    items.flatMap((application) => {
      const overlay = /\/overlays\/([^/]+)$/.exec(application.spec.source?.path ?? "")?.[1];
      return overlay === undefined ? [] : [[overlay, application] as const];
    }),
  );
}
