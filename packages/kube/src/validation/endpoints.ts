import { isIPv6 } from "node:net";
import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { endpointIPErrors, ipErrors } from "./addresses.ts";
import { duplicate, type FieldError, invalid, notSupported, required, tooMany } from "./field-error.ts";
import { immutableErrors } from "./immutable.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";

const PROTOCOLS = ["SCTP", "TCP", "UDP"];

export function endpointsErrors(endpoints: JsonObject): FieldError[] {
  return listAt(endpoints, "subsets")
    .filter(isObject)
    .flatMap((subset, i) => {
      const path = `subsets[${i}]`;
      const [ready, waiting] = [listAt(subset, "addresses"), listAt(subset, "notReadyAddresses")];
      const ports = listAt(subset, "ports").filter(isObject);
      return [
        ...(ready.length + waiting.length === 0
          ? [required(path, "must specify `addresses` or `notReadyAddresses`")]
          : []),
        ...addressErrors(ready, `${path}.addresses`),
        ...addressErrors(waiting, `${path}.notReadyAddresses`),
        ...ports.flatMap((port, j) => subsetPortErrors(port, ports.length > 1, `${path}.ports[${j}]`)),
      ];
    });
}

function addressErrors(addresses: readonly unknown[], path: string): FieldError[] {
  return addresses.filter(isObject).flatMap((address, i) => {
    const at = `${path}[${i}]`;
    const ip = stringAt(address, "ip");
    return [
      ...ipErrors(ip, `${at}.ip`),
      ...optionalErrors(address, "hostname", dns1123LabelErrors, at),
      ...optionalErrors(address, "nodeName", dns1123SubdomainErrors, at),
      ...endpointIPErrors(ip, `${at}.ip`),
    ];
  });
}

function subsetPortErrors(port: JsonObject, named: boolean, path: string): FieldError[] {
  const number = numberAt(port, "port") ?? 0;
  return [
    ...(named && stringAt(port, "name") === "" ? [required(`${path}.name`)] : []),
    ...optionalErrors(port, "name", dns1123LabelErrors, path),
    ...portNumberErrors(number).map((detail) => invalid(`${path}.port`, number, detail)),
    ...protocolErrors(port, path),
    ...optionalErrors(port, "appProtocol", qualifiedNameErrors, path),
  ];
}

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20_000;

export function endpointSliceErrors(slice: JsonObject): FieldError[] {
  const type = stringAt(slice, "addressType");
  const errors: FieldError[] = [];
  if (type === "") errors.push(required("addressType"));
  else if (!ADDRESS_TYPES.includes(type)) errors.push(notSupported("addressType", type, ADDRESS_TYPES));
  errors.push(...slicePortErrors(listAt(slice, "ports").filter(isObject)));
  const endpoints = listAt(slice, "endpoints").filter(isObject);
  if (endpoints.length > MAX_ENDPOINTS) {
    return [...errors, tooMany("endpoints", endpoints.length, MAX_ENDPOINTS)];
  }
  return [
    ...errors,
    ...endpoints.flatMap((endpoint, i) => endpointErrors(endpoint, type, `endpoints[${i}]`)),
  ];
}

export const endpointSliceUpdateErrors = (slice: JsonObject, before: JsonObject): FieldError[] =>
  immutableErrors(slice, before, ["addressType"]);

function slicePortErrors(ports: readonly JsonObject[]): FieldError[] {
  if (ports.length > MAX_PORTS) return [tooMany("ports", ports.length, MAX_PORTS)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const path = `ports[${i}]`;
    const name = stringAt(port, "name");
    const errors = optionalErrors(port, "name", dns1123LabelErrors, path);
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    return [
      ...errors,
      ...protocolErrors(port, path),
      ...optionalErrors(port, "appProtocol", qualifiedNameErrors, path),
    ];
  });
}

function endpointErrors(endpoint: JsonObject, type: string, path: string): FieldError[] {
  const addresses = listAt(endpoint, "addresses").map(String);
  const at = `${path}.addresses`;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(at, "must contain at least 1 address"));
  if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(at, addresses.length, MAX_ADDRESSES));
  addresses.forEach((address, i) => {
    errors.push(...sliceAddressErrors(address, type, at, `${at}[${i}]`));
  });
  return [
    ...errors,
    ...optionalErrors(endpoint, "nodeName", dns1123SubdomainErrors, path),
    ...optionalErrors(endpoint, "hostname", dns1123LabelErrors, path),
    ...listAt(objectAt(endpoint, "hints"), "forNodes").flatMap((node, i) => {
      const name = stringAt(node, "name");
      const at = `${path}.hints.forNodes[${i}].name`;
      return dns1123SubdomainErrors(name).map((detail) => invalid(at, name, detail));
    }),
  ];
}

function sliceAddressErrors(address: string, type: string, list: string, path: string): FieldError[] {
  if (type !== "IPv4" && type !== "IPv6") return [];
  const wrong = ipErrors(address, path);
  if (wrong.length > 0) return wrong;
  const fits = (type === "IPv6") === isIPv6(address);
  const family = fits ? [] : [invalid(list, address, `must be an ${type} address`)];
  return [...family, ...endpointIPErrors(address, path)];
}

function protocolErrors(port: JsonObject, path: string): FieldError[] {
  const protocol = stringAt(port, "protocol");
  if (protocol === "") return [required(`${path}.protocol`)];
  return PROTOCOLS.includes(protocol) ? [] : [notSupported(`${path}.protocol`, protocol, PROTOCOLS)];
}

/** A text that may be absent, and follows a grammar when there. */
function optionalErrors(
  object: JsonObject,
  field: string,
  grammar: (value: string) => string[],
  path: string,
): FieldError[] {
  const value = stringAt(object, field);
  if (value === "") return [];
  return grammar(value).map((detail) => invalid(`${path}.${field}`, value, detail));
}
