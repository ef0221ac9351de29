import { kubectlStreams } from "./kubectl-streams.ts";

kubectlStreams("namespaced", "unshare", "ip");
