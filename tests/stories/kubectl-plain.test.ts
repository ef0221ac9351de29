import { kubectlStreams } from "./kubectl-streams.ts";

kubectlStreams("plain");
