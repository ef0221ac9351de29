/** curlimages/curl as the image catalogue knows it: the machine's own shell and curl. */
export const curlImage = {
  repository: "curlimages/curl",
  tags: "*",
  /** As the original's: arguments that begin with a program run that one, all others are curl's. */
  entrypoint: shell(
    'case $1 in -*) set -- curl "$@" ;; *) command -v "$1" >/dev/null || set -- curl "$@" ;; esac; exec "$@"',
  ),
  /** The same where no programs that others name are to run. */
  curlOnly: shell('if [ "$1" = curl ]; then shift; fi; exec curl "$@"'),
} as const;

function shell(script: string): readonly string[] {
  return ["/bin/sh", "-c", script, "entrypoint"];
}
