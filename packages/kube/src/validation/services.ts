import { isIP } from "node:net";
import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { labelsErrors } from "./metadata.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";
import { portErrors } from "./numbers.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const AFFINITIES = ["ClientIP", "None"];

/** What is wrong with a Service's spec, apart from addresses and node ports, which the allocator knows. */
export function serviceErrors(spec: JsonObject): FieldError[] {
  const ports = listAt(spec, "ports").filter(isObject);
  const type = stringAt(spec, "type");
  const headless = spec["clusterIP"] === "None";
  const errors: FieldError[] = [];
  if (ports.length === 0 && !headless && type !== "ExternalName") errors.push(required("spec.ports"));
  if (type === "ExternalName") errors.push(...externalNameErrors(spec));
  errors.push(...servicePortErrors(ports));
  errors.push(...labelsErrors(objectAt(spec, "selector"), "spec.selector"));
  const affinity = stringAt(spec, "sessionAffinity");
  if (affinity === "") errors.push(required("spec.sessionAffinity"));
  else if (!AFFINITIES.includes(affinity))
    errors.push(notSupported("spec.sessionAffinity", affinity, AFFINITIES));
  errors.push(...clusterIPErrors(spec, type));
  if (type === "") errors.push(required("spec.type"));
  else if (!TYPES.includes(type)) errors.push(notSupported("spec.type", type, TYPES));
  errors.push(...nodePortErrors(ports, type), ...repeatedPorts(ports));
  return errors;
}

function servicePortErrors(ports: readonly JsonObject[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const errors: FieldError[] = [];
    const name = stringAt(port, "name");
    if (name === "" && ports.length > 1) errors.push(required(`${at}.name`));
    if (name !== "") {
      errors.push(...dns1123LabelErrors(name).map((detail) => invalid(`${at}.name`, name, detail)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    const number = numberAt(port, "port") ?? 0;
    errors.push(...portNumberErrors(number).map((detail) => invalid(`${at}.port`, number, detail)));
    const protocol = stringAt(port, "protocol");
    if (protocol === "") errors.push(required(`${at}.protocol`));
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(`${at}.protocol`, protocol, PROTOCOLS));
    errors.push(...portErrors(port["targetPort"], `${at}.targetPort`));
    const app = port["appProtocol"];
    if (typeof app === "string") {
      errors.push(...qualifiedNameErrors(app).map((detail) => invalid(`${at}.appProtocol`, app, detail)));
    }
    return errors;
  });
}

function externalNameErrors(spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const address = stringAt(spec, "clusterIP");
  if (address !== "")
    errors.push(forbidden("spec.clusterIP", "may not be set when `type` is 'ExternalName'"));
  // A trailing dot makes a name absolute.
  const name = stringAt(spec, "externalName");
  if (name === "") errors.push(required("spec.externalName"));
  else {
    const wrong = dns1123SubdomainErrors(name.replace(/\.$/, ""));
    errors.push(...wrong.map((detail) => invalid("spec.externalName", name, detail)));
  }
  return errors;
}

function clusterIPErrors(spec: JsonObject, type: string): FieldError[] {
  const addresses = listAt(spec, "clusterIPs").map(String);
  if (type === "ExternalName") return [];
  if (addresses[0] === "None" && (type === "NodePort" || type === "LoadBalancer")) {
    return [invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`)];
  }
  return addresses.flatMap((address, i) =>
    address === "None" || isIP(address) !== 0
      ? []
      : [
          invalid(
            `spec.clusterIPs[${i}]`,
            address,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
          ),
        ],
  );
}

function nodePortErrors(ports: readonly JsonObject[], type: string): FieldError[] {
  if (type !== "ClusterIP") return [];
  return ports.flatMap((port, i) =>
    (numberAt(port, "nodePort") ?? 0) === 0
      ? []
      : [forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")],
  );
}

/** The same port and protocol twice; the value shown is upstream's internal form. */
function repeatedPorts(ports: readonly JsonObject[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, i) => {
    const [Protocol, Port] = [stringAt(port, "protocol"), numberAt(port, "port") ?? 0];
    const key = `${Protocol}/${Port}`;
    if (seen.has(key)) {
      const shown = { Name: "", Protocol, AppProtocol: null, Port, TargetPort: 0, NodePort: 0 };
      return [duplicate(`spec.ports[${i}]`, shown)];
    }
    seen.add(key);
    return [];
  });
}
