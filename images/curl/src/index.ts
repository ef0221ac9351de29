/** curlimages/curl as the image catalogue knows it: the machine's own shell and curl. */
export const curlImage = {
  repository: "curlimages/curl",
  tags: "*",
  entrypoint: ["curl"],
} as const;
