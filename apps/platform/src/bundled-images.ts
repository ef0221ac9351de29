import { fileURLToPath } from "node:url";
import { image as collectorImage } from "@tracegate/image-collector";
import { curlImage } from "@tracegate/image-curl";
import { echoserverImage } from "@tracegate/image-echoserver";
import { hotrodImage } from "@tracegate/image-hotrod";
import { podinfoImage } from "@tracegate/image-podinfo";
import { type CatalogueEntry, fillCompileCache, nodeProgram } from "@tracegate/kubelet";

const projectRoot = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");

/** The images that the node runs without anybody mapping them; `ownCommandsOnly`: no programs that a manifest names. */
export function bundledImages({ ownCommandsOnly = false } = {}): CatalogueEntry[] {
  const curl = ownCommandsOnly ? curlImage.curlOnly : curlImage.entrypoint;
  return [
    ...[hotrodImage, podinfoImage, echoserverImage, collectorImage].flatMap(
      ({ repositories, tags, ...program }) =>
        repositories.flatMap((repository) =>
          tags.map((tag) => nodeProgram({ pattern: `${repository}:${tag}`, ...program, projectRoot })),
        ),
    ),
    { pattern: `${curlImage.repository}:${curlImage.tags}`, entrypoint: curl },
  ];
}

/** Keeps the bundled programs' compiled code for the pods to come, where that is not done yet; in the background. */
export function keepCompiledImages(signal: AbortSignal): Promise<unknown> {
  const programs = [
    { entry: hotrodImage.entry, args: ["--help"] },
    { entry: collectorImage.entry, args: ["--version"] },
    { entry: podinfoImage.entry, args: ["--version"] },
    { entry: echoserverImage.entry, args: ["--version"] },
  ];
  return fillCompileCache({ projectRoot, programs, signal });
}
