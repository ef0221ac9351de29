import type { ApiServer } from "@tracegate/apiserver";
import { type ResourceClient, ServiceAccount } from "@tracegate/kube";
import type { TokenSource } from "@tracegate/kubelet";

/** The node writes a token once, when the pod starts; as kube-apiserver does for such readers, it is good for a year. */
const extendedSeconds = 365 * 24 * 3600;

/** Tokens of service accounts for pods, bound to the pod: they end with it. */
export function accountTokens(client: ResourceClient, tokens: ApiServer["tokens"]): TokenSource {
  return async ({ namespace, serviceAccount, audience, pod }) => {
    const { metadata } = await client.get(ServiceAccount, { namespace, name: serviceAccount });
    const { token } = tokens.issue(
      { namespace, name: serviceAccount, uid: metadata.uid ?? "" },
      {
        ...(audience === undefined ? {} : { audiences: [audience] }),
        seconds: extendedSeconds,
        pod: { name: pod.metadata.name, uid: pod.metadata.uid ?? "" },
      },
    );
    return token;
  };
}
