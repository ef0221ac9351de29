import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { httpHeaderErrors } from "./names.ts";
import { negativeErrors, portErrors } from "./numbers.ts";

/** The three probes of a container. */
export function probeErrors(container: JsonObject, path: string): FieldError[] {
  return ["livenessProbe", "readinessProbe", "startupProbe"].flatMap((name) => {
    const probe = objectAt(container, name);
    if (probe === undefined) return [];
    const at = `${path}.${name}`;
    const errors = [
      ...handlerErrors(probe, at, ["exec", "httpGet", "tcpSocket", "grpc"]),
      ...timingErrors(probe, at),
    ];
    if (name !== "readinessProbe" && numberAt(probe, "successThreshold") !== 1) {
      errors.push(invalid(`${at}.successThreshold`, numberAt(probe, "successThreshold") ?? 0, "must be 1"));
    }
    const grace = probe["terminationGracePeriodSeconds"];
    if (name === "readinessProbe" && grace !== undefined) {
      errors.push(
        invalid(`${at}.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes"),
      );
    }
    return errors;
  });
}

/** Hooks around a container's life. */
export function lifecycleErrors(lifecycle: JsonObject, path: string, grace?: number): FieldError[] {
  return ["postStart", "preStop"].flatMap((hook) => {
    const handler = objectAt(lifecycle, hook);
    const types = ["exec", "httpGet", "tcpSocket", "sleep"];
    if (handler === undefined) return [];
    const errors = handlerErrors(handler, `${path}.${hook}`, types);
    const seconds = numberAt(objectAt(handler, "sleep"), "seconds");
    if (seconds === undefined || grace === undefined || (seconds >= 0 && seconds <= grace)) return errors;
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
    return [...errors, invalid(`${path}.${hook}.sleep`, seconds, detail)];
  });
}

function timingErrors(probe: JsonObject, path: string): FieldError[] {
  const fields = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ];
  const errors = negativeErrors(probe, fields, path);
  const grace = numberAt(probe, "terminationGracePeriodSeconds");
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  }
  return errors;
}

/** Exactly one of the ways to ask. */
function handlerErrors(holder: JsonObject, path: string, types: readonly string[]): FieldError[] {
  const given = types.filter((type) => isObject(holder[type]));
  const [first, ...others] = given;
  if (first === undefined) return [required(path, "must specify a handler type")];
  return [
    ...actionErrors(first, objectAt(holder, first) ?? {}, `${path}.${first}`),
    ...others.map((type) => forbidden(`${path}.${type}`, "may not specify more than 1 handler type")),
  ];
}

function actionErrors(type: string, action: JsonObject, path: string): FieldError[] {
  switch (type) {
    case "exec":
      return listAt(action, "command").length === 0 ? [required(`${path}.command`)] : [];
    case "httpGet": {
      const scheme = stringAt(action, "scheme");
      return [
        ...(stringAt(action, "path") === "" ? [required(`${path}.path`)] : []),
        ...portErrors(action["port"], `${path}.port`),
        ...(scheme === "HTTP" || scheme === "HTTPS"
          ? []
          : [notSupported(`${path}.scheme`, scheme, ["HTTP", "HTTPS"])]),
        ...listAt(action, "httpHeaders").flatMap((header) => {
          const name = stringAt(header, "name");
          return httpHeaderErrors(name).map((detail) => invalid(`${path}.httpHeaders`, name, detail));
        }),
      ];
    }
    case "tcpSocket":
    case "grpc":
      return portErrors(action["port"], `${path}.port`);
    default:
      return [];
  }
}
