import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { readCgroupOffer, unifiedPath } from "./cgroup-offer.ts";
import {
  type CgroupPlace,
  cgroupPlaces,
  type Enforcement,
  enforcementBy,
  onlyWatching,
} from "./cgroup-plan.ts";

/** What this is called among cgroups. */
const prefix = "tracegate";
const timeoutMs = 5000;

/**
 * Makes the cgroup (`base`) that a node's containers have theirs in, and runs a command in a leaf of it: a cgroup with
 * limited children cannot hold processes itself. The command is given `base` as its last argument.
 *
 * The shell waits for the command and ends what it leaves: in a scope, where systemd takes the cgroups away, inside of
 * the leaf; else outside, so that it can take them away itself. What cannot be done is not an error here: the command
 * looks at what it was given.
 */
const enterScript = `
how=$1 place=$2 name=$3
shift 3
hand_on() { for controller in memory cpu pids; do echo "+$controller" > "$1/cgroup.subtree_control"; done; } 2>/dev/null
if [ "$how" = scope ]; then
  unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
  base=$place$(sed -n 's/^0:://p' /proc/self/cgroup)
  mkdir "$base/agent" && echo 0 > "$base/agent/cgroup.procs" && hand_on "$base"
  (exec "$@" "$base")
  code=$?
else
  base=$place/$name-$$
  rmdir "$place/$name"-*/*/ "$place/$name"-*/ 2>/dev/null
  hand_on "$place"
  mkdir "$base" "$base/agent" && hand_on "$base"
  (echo 0 > "$base/agent/cgroup.procs"; exec "$@" "$base")
  code=$?
fi
for container in "$base"/*.*/; do echo 1 > "$container/cgroup.kill"; done 2>/dev/null
tries=0
until rmdir "$base"/*/ "$base" 2>/dev/null || [ ! -d "$base" ] || [ "$how" = scope ] || [ $tries -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
exit $code
`;

/** The command line that runs a program in a cgroup of its own at a place; the program is given its path last. */
export function inCgroup(place: CgroupPlace, name: string): readonly string[] {
  if (place.how === "below")
    return ["sh", "-c", enterScript, "sh", "below", place.parent, `${prefix}-${name}`];
  return [
    ...["systemd-run", ...(place.systemd === "user" ? ["--user"] : []), "--scope", "--quiet", "--collect"],
    ...["--property=Delegate=yes", "--property=TasksMax=infinity", "--description=Tracegate's pods"],
    ...["sh", "-c", enterScript, "sh", "scope", place.mountPoint, ""],
  ];
}

/** How limits can be kept on this machine. */
export interface LimitsProbe {
  readonly enforcement: Enforcement;
  /** Where the agent is to be started; undefined where there is only watching. */
  readonly place?: CgroupPlace;
  /** Why there is only watching, or what of the controllers is missing. */
  readonly why?: string;
}

/** Tries what keeps limits, as the agent's start does, for `tracegate doctor` and before that start. Leaves nothing. */
export function probeLimits(env: NodeJS.ProcessEnv = process.env): LimitsProbe {
  const { places, why } = cgroupPlaces(readCgroupOffer(env));
  const refusals: string[] = [];
  for (const place of places) {
    const [program = "", ...args] = [
      ...inCgroup(place, `probe-${process.pid}`),
      ...["sh", "-c", 'cat /proc/self/cgroup; echo; cat "$1/cgroup.subtree_control"; echo "$1"', "sh"],
    ];
    const { stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", env, timeout: timeoutMs });
    const [cgroup = "", rest = ""] = (stdout ?? "").split("\n\n");
    const [handedOn = "", base = ""] = rest.split("\n");
    const enforcement = enforcementIn(base, cgroup, handedOn);
    if (enforcement.memory === "cgroup") return { enforcement, place };
    refusals.push((error?.message ?? stderr.trim().split("\n").at(-1)) || `${base} has no memory controller`);
  }
  return { enforcement: onlyWatching, why: refusals.length > 0 ? refusals.join("; ") : why };
}

/** What can be kept in `base`, by whom it was handed on to and whether this process is really in a leaf of it. */
export function enforcementIn(base: string, ownCgroup: string, handedOn: string): Enforcement {
  const isInside = base !== "" && unifiedPath(ownCgroup)?.endsWith(`/${basename(base)}/agent`) === true;
  return isInside ? enforcementBy(handedOn.split(/\s+/)) : onlyWatching;
}
