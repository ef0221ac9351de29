import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { dns1123SubdomainErrors } from "./names.ts";

const MAX_ID = 2 ** 31 - 1;

/** What a pod says of the rights of all its containers. */
export function podSecurityErrors(spec: JsonObject, path: string): FieldError[] {
  const context = objectAt(spec, "securityContext") ?? {};
  const at = `${path}.securityContext`;
  const errors = ["fsGroup", "runAsUser", "runAsGroup"].flatMap((field) =>
    idErrors(context[field], `${at}.${field}`),
  );
  listAt(context, "supplementalGroups").forEach((group, i) => {
    errors.push(...idErrors(group, `${at}.supplementalGroups[${i}]`));
  });
  if (spec["shareProcessNamespace"] === true && spec["hostPID"] === true) {
    const detail = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.push(invalid(`${at}.shareProcessNamespace`, true, detail));
  }
  errors.push(...sysctlErrors(listAt(context, "sysctls").filter(isObject), `${at}.sysctls`));
  errors.push(...optionErrors(context, "fsGroupChangePolicy", ["Always", "OnRootMismatch"], at));
  errors.push(...optionErrors(context, "supplementalGroupsPolicy", ["Merge", "Strict"], at));
  errors.push(...optionErrors(context, "seLinuxChangePolicy", ["Recursive"], at));
  return [
    ...errors,
    ...seccompErrors(context, at),
    ...windowsErrors(context, at),
    ...appArmorErrors(context, at),
  ];
}

/** What a container says of its own rights. */
export function containerSecurityErrors(container: JsonObject, path: string): FieldError[] {
  const context = objectAt(container, "securityContext");
  if (context === undefined) return [];
  const at = `${path}.securityContext`;
  const errors: FieldError[] = [];
  if (context["privileged"] === true) {
    const policy = forbidden(`${at}.privileged`, "disallowed by cluster policy");
    errors.push({ ...policy, unless: "privileged containers are allowed" });
  }
  errors.push(...["runAsUser", "runAsGroup"].flatMap((field) => idErrors(context[field], `${at}.${field}`)));
  errors.push(...optionErrors(context, "procMount", ["Default", "Unmasked"], at));
  errors.push(...seccompErrors(context, at));
  if (context["allowPrivilegeEscalation"] === false && context["privileged"] === true) {
    const detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
    errors.push(invalid(at, internalContext(context), detail));
  }
  const added = listAt(objectAt(context, "capabilities"), "add");
  if (context["allowPrivilegeEscalation"] === false && added.includes("CAP_SYS_ADMIN")) {
    const detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
    errors.push(invalid(at, internalContext(context), detail));
  }
  return [...errors, ...windowsErrors(context, at), ...appArmorErrors(context, at)];
}

const CONTEXT_FIELDS: readonly (readonly [own: string, internal: string])[] = [
  ["capabilities", "Capabilities"],
  ["privileged", "Privileged"],
  ["seLinuxOptions", "SELinuxOptions"],
  ["windowsOptions", "WindowsOptions"],
  ["runAsUser", "RunAsUser"],
  ["runAsGroup", "RunAsGroup"],
  ["runAsNonRoot", "RunAsNonRoot"],
  ["readOnlyRootFilesystem", "ReadOnlyRootFilesystem"],
  ["allowPrivilegeEscalation", "AllowPrivilegeEscalation"],
  ["procMount", "ProcMount"],
  ["seccompProfile", "SeccompProfile"],
  ["appArmorProfile", "AppArmorProfile"],
];

/** The context as upstream's internal type shows it. */
const internalContext = (context: JsonObject): object =>
  Object.fromEntries(CONTEXT_FIELDS.map(([own, internal]) => [internal, context[own] ?? null]));

function idErrors(id: unknown, path: string): FieldError[] {
  if (typeof id !== "number" || (id >= 0 && id <= MAX_ID)) return [];
  return [invalid(path, id, `must be between 0 and ${MAX_ID}, inclusive`)];
}

function optionErrors(
  context: JsonObject,
  field: string,
  values: readonly string[],
  path: string,
): FieldError[] {
  const value = stringAt(context, field);
  return value === "" || values.includes(value) ? [] : [notSupported(`${path}.${field}`, value, values)];
}

const SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SYSCTL = `(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}`;

function sysctlErrors(sysctls: readonly JsonObject[], path: string): FieldError[] {
  const names = new Set<string>();
  return sysctls.flatMap((sysctl, i) => {
    const name = stringAt(sysctl, "name");
    const at = `${path}[${i}].name`;
    if (name === "") return [required(at)];
    if (name.length > 253 || !new RegExp(`^${SYSCTL}$`).test(name)) {
      return [invalid(at, name, `must have at most 253 characters and match regex ^${SYSCTL}$`)];
    }
    if (names.has(name)) return [duplicate(at, name)];
    names.add(name);
    return [];
  });
}

/** AppArmor's are the same. */
const SECCOMP_TYPES = ["Localhost", "RuntimeDefault", "Unconfined"];

function seccompErrors(context: JsonObject, path: string): FieldError[] {
  const profile = objectAt(context, "seccompProfile");
  if (profile === undefined) return [];
  const at = `${path}.seccompProfile`;
  const [type, local] = [stringAt(profile, "type"), stringAt(profile, "localhostProfile")];
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(`${at}.type`, "type is required when seccompProfile is set"));
  else if (!SECCOMP_TYPES.includes(type)) errors.push(notSupported(`${at}.type`, type, SECCOMP_TYPES));
  if (type === "Localhost" && local === "") {
    errors.push(required(`${at}.localhostProfile`, "must be set when seccomp type is Localhost"));
  }
  if (type === "Localhost" || profile["localhostProfile"] === undefined) return errors;
  // The value is shown as upstream's internal type writes it.
  const shown = { Type: type, LocalhostProfile: local };
  return [
    ...errors,
    invalid(`${at}.localhostProfile`, shown, "can only be set when seccomp type is Localhost"),
  ];
}

function appArmorErrors(context: JsonObject, path: string): FieldError[] {
  const profile = objectAt(context, "appArmorProfile");
  if (profile === undefined) return [];
  const at = `${path}.appArmorProfile`;
  const [type, local] = [stringAt(profile, "type"), profile["localhostProfile"]];
  if (type === "") return [required(`${at}.type`, "type is required when appArmorProfile is set")];
  if (!SECCOMP_TYPES.includes(type)) return [notSupported(`${at}.type`, type, SECCOMP_TYPES)];
  if (type !== "Localhost") {
    if (local === undefined) return [];
    return [invalid(`${at}.localhostProfile`, local, "can only be set when AppArmor type is Localhost")];
  }
  if (typeof local !== "string" || local === "") {
    return [required(`${at}.localhostProfile`, "must be set when AppArmor type is Localhost")];
  }
  return local === local.trim()
    ? []
    : [invalid(`${at}.localhostProfile`, local, "must not be padded with whitespace")];
}

function windowsErrors(context: JsonObject, path: string): FieldError[] {
  const options = objectAt(context, "windowsOptions");
  const at = `${path}.windowsOptions`;
  const [name, user] = [options?.["gmsaCredentialSpecName"], options?.["runAsUserName"]];
  const errors =
    typeof name === "string"
      ? dns1123SubdomainErrors(name).map((detail) => invalid(`${at}.gmsaCredentialSpecName`, name, detail))
      : [];
  if (user === "") errors.push(invalid(`${at}.runAsUserName`, "", "runAsUserName cannot be an empty string"));
  return errors;
}

/** What containers of a Windows pod cannot have is told of the pod. */
export function osErrors(spec: JsonObject, path: string): FieldError[] {
  const os = objectAt(spec, "os");
  if (os === undefined) return [];
  const name = stringAt(os, "name");
  if (name === "") return [required(`${path}.os.name`)];
  if (name !== "linux" && name !== "windows") return [notSupported(`${path}.os`, name, ["linux", "windows"])];
  if (name === "linux") return [];
  const context = objectAt(spec, "securityContext") ?? {};
  return ["fsGroup", "runAsUser", "runAsGroup", "supplementalGroups"].flatMap((field) =>
    numberAt(context, field) === undefined && listAt(context, field).length === 0
      ? []
      : [forbidden(`${path}.securityContext.${field}`, "cannot be set for a windows pod")],
  );
}
