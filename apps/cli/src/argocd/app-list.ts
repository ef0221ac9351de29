import { Application, renderApplicationList } from "@tracegate/gitops";
import { formatted } from "./output.ts";
import { appNamespace, command, controlPlane, outputFlag } from "./session.ts";

export const appList = command({
  path: "app list",
  summary: "List the Applications",
  examples: [
    "argocd app list",
    "argocd app list -l app.kubernetes.io/instance=hotrod",
    "argocd app list -o name",
  ],
  flags: {
    output: { ...outputFlag("wide|name|json|yaml"), default: "wide" },
    selector: { type: "string", short: "l", help: "only those with these labels" },
    project: { type: "stringArray", short: "p", help: "only those of these projects" },
    repo: { type: "string", short: "r", help: "only those of this repository" },
    cluster: { type: "string", short: "c", help: "only those of this cluster" },
    "app-namespace": appNamespace,
  },
  async run(_args, flags, { client, io }) {
    const { items } = await client.list(Application, {
      namespace: flags["app-namespace"] || controlPlane,
      ...(flags.selector === "" ? {} : { labelSelector: flags.selector }),
    });
    const applications = items.filter(({ spec }) => {
      const sources = spec.source === undefined ? (spec.sources ?? []) : [spec.source];
      const cluster = spec.destination.server ?? spec.destination.name;
      return (
        (flags.project.length === 0 || flags.project.includes(spec.project)) &&
        (flags.repo === "" || sources.some(({ repoURL }) => repoURL === flags.repo)) &&
        (flags.cluster === "" || cluster === flags.cluster || spec.destination.name === flags.cluster)
      );
    });
    const names = () =>
      applications.map(({ metadata }) => `${metadata.namespace}/${metadata.name}\n`).join("");
    io.out(
      formatted(flags.output, applications, {
        wide: () => renderApplicationList(applications),
        "": () => renderApplicationList(applications, { wide: false }),
        name: names,
      }),
    );
    return 0;
  },
});
