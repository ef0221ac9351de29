import { mkdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { podAddress, podAddressCount } from "../network/addresses.ts";
import { runCommand } from "./command.ts";
import { killContainer, spawnContainer } from "./container.ts";
import { layOutRoot } from "./container-root.ts";
import { spawnInNamespaces } from "./exec.ts";
import { makePodNamespaces, type PodNamespaces, removePodNamespaces } from "./node-network.ts";
import type { PipedPrograms } from "./piped-program.ts";
import { PodLoopback } from "./pod-loopback.ts";
import type { PodRuntime, RuntimePod } from "./pod-runtime.ts";
import { dialTcp } from "./relay.ts";

/** Pods in namespaces of their own, on a tmpfs each, wired to the node's bridge. */
export function namespacedRuntime(programs: PipedPrograms): PodRuntime {
  const made = new Map<string, { link: string; namespaces: PodNamespaces; loopback: PodLoopback }>();
  let nextLink = 0;
  const partsOf = ({ spec }: RuntimePod) => {
    const parts = made.get(spec.uid);
    if (parts === undefined) throw new Error(`pod ${spec.uid} has no namespaces`);
    return parts;
  };
  return {
    podAddress,
    podAddressCount,
    async makePod({ spec, ip, directory, volumes }) {
      nextLink += 1;
      const link = `tg${nextLink}`;
      try {
        mkdirSync(directory, { recursive: true });
        await runCommand("mount", [
          ...["-t", "tmpfs", "-o", `mode=755,nosuid,nodev,size=${spec.memoryBytes}`],
          ...["tmpfs", directory],
        ]);
        for (const path of volumes.values()) mkdirSync(path, { recursive: true, mode: 0o777 });
        const namespaces = await makePodNamespaces({ directory, link, ip, hostname: spec.hostname });
        made.set(spec.uid, { link, namespaces, loopback: new PodLoopback(namespaces.net, directory) });
      } catch (error) {
        await runCommand("umount", ["-l", directory]).catch(() => {});
        rmSync(directory, { recursive: true, force: true });
        throw error;
      }
    },
    async removePod(pod) {
      const { link, namespaces, loopback } = partsOf(pod);
      loopback.close();
      await removePodNamespaces(namespaces, link);
      await runCommand("umount", ["-l", pod.directory]);
      rmSync(pod.directory, { recursive: true, force: true });
      made.delete(pod.spec.uid);
    },
    async forward(pod, port) {
      try {
        return await dialTcp(pod.ip, port);
      } catch (refused) {
        // A program may serve on its pod's own loopback only, as those for debugging do.
        return await partsOf(pod)
          .loopback.dial(port)
          .catch(() => Promise.reject(refused));
      }
    },
    startContainer({ pod, spec, place, terminationFile, cgroupProcesses, log }) {
      const root = join(place, "root");
      mkdirSync(root, { recursive: true });
      const fstab = join(place, "fstab");
      const { hostname, hosts, resolvConf } = pod.spec;
      const etc = { hostname, hosts: hosts.replaceAll("{ip}", pod.ip), resolvConf };
      writeFileSync(fstab, layOutRoot(root, terminationFile, spec, etc, pod.volumes));
      const { namespaces } = partsOf(pod);
      return spawnContainer({ spec, namespaces, root, fstab, cgroupProcesses, log: log(), programs });
    },
    kill: killContainer,
    processSetOf(pid) {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`);
      } catch {
        return undefined;
      }
    },
    spawnInside: (running, request) => spawnInNamespaces(programs, running, request),
  };
}
