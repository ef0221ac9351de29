import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { AGE, ageOf, column, NAME, nameOf, orNone, someOf, type TablePrinter, wide } from "./table.ts";
import { labelsText, selectorText } from "./workloads.ts";

/** Addresses of load balancers are cut to this width. */
const ADDRESS_WIDTH = 16;

export const servicePrinter: TablePrinter = {
  columns: [
    NAME,
    column("Type"),
    column("Cluster-IP"),
    column("External-IP"),
    column("Port(s)"),
    AGE,
    wide("Selector"),
  ],
  cells(service, now) {
    const spec = objectAt(service, "spec");
    const clusterIP = listAt(spec, "clusterIPs")[0];
    return [
      nameOf(service),
      stringAt(spec, "type"),
      orNone(typeof clusterIP === "string" ? clusterIP : ""),
      externalAddress(service),
      orNone(listAt(spec, "ports").filter(isObject).map(portText).join(",")),
      ageOf(service, now),
      labelsText(objectAt(spec, "selector")),
    ];
  },
};

export const ingressClassPrinter: TablePrinter = {
  columns: [NAME, column("Controller"), column("Parameters"), AGE],
  cells(ingressClass, now) {
    const spec = objectAt(ingressClass, "spec");
    const parameters = objectAt(spec, "parameters");
    const group = stringAt(parameters, "apiGroup");
    const kind = `${stringAt(parameters, "kind")}${group === "" ? "" : `.${group}`}`;
    return [
      nameOf(ingressClass),
      stringAt(spec, "controller"),
      parameters === undefined ? "<none>" : `${kind}/${stringAt(parameters, "name")}`,
      ageOf(ingressClass, now),
    ];
  },
};

export const endpointsPrinter: TablePrinter = {
  columns: [NAME, column("Endpoints"), AGE],
  cells: (endpoints, now) => [nameOf(endpoints), endpointsText(endpoints), ageOf(endpoints, now)],
};

export const endpointSlicePrinter: TablePrinter = {
  columns: [NAME, column("AddressType"), column("Ports"), column("Endpoints"), AGE],
  cells(slice, now) {
    const ports = listAt(slice, "ports")
      .filter(isObject)
      .map((port) =>
        port["port"] === undefined || port["port"] === null
          ? stringAt(port, "name") || "*"
          : String(port["port"]),
      );
    const addresses = listAt(slice, "endpoints")
      .flatMap((endpoint) => listAt(endpoint, "addresses"))
      .map(String);
    return [
      nameOf(slice),
      stringAt(slice, "addressType"),
      unsetIfNone(someOf(ports, 3)),
      unsetIfNone(someOf(addresses, 3)),
      ageOf(slice, now),
    ];
  },
};

export const ingressPrinter: TablePrinter = {
  columns: [NAME, column("Class"), column("Hosts"), column("Address"), column("Ports"), AGE],
  cells(ingress, now) {
    const spec = objectAt(ingress, "spec");
    const rules = listAt(spec, "rules");
    const hosts = rules.map((rule) => stringAt(rule, "host")).filter((host) => host !== "");
    return [
      nameOf(ingress),
      orNone(stringAt(spec, "ingressClassName")),
      hosts.length === 0 ? "*" : someOf(hosts, 3, ",", rules.length),
      balancerAddresses(ingress),
      listAt(spec, "tls").length > 0 ? "80, 443" : "80",
      ageOf(ingress, now),
    ];
  },
};

export const networkPolicyPrinter: TablePrinter = {
  columns: [NAME, column("Pod-Selector"), AGE],
  cells: (policy, now) => [
    nameOf(policy),
    selectorText(objectAt(policy, "spec")?.["podSelector"]),
    ageOf(policy, now),
  ],
};

const unsetIfNone = (text: string): string => (text === "" ? "<unset>" : text);

function portText(port: JsonObject): string {
  const node = numberAt(port, "nodePort") ?? 0;
  return `${port["port"]}${node > 0 ? `:${node}` : ""}/${stringAt(port, "protocol")}`;
}

function externalAddress(service: JsonObject): string {
  const spec = objectAt(service, "spec");
  const external = listAt(spec, "externalIPs").map(String);
  switch (spec?.["type"]) {
    case "ClusterIP":
    case "NodePort":
      return orNone(external.join(","));
    case "LoadBalancer": {
      const balanced = balancerAddresses(service);
      const all = [...(balanced === "" ? [] : [balanced]), ...external];
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    case "ExternalName":
      return stringAt(spec, "externalName");
    default:
      return "<unknown>";
  }
}

function balancerAddresses(object: JsonObject): string {
  const ingress = listAt(objectAt(object["status"], "loadBalancer"), "ingress");
  const addresses = ingress.map((entry) => stringAt(entry, "ip") || stringAt(entry, "hostname"));
  const text = [...new Set(addresses.filter((address) => address !== ""))].sort().join(",");
  return text.length > ADDRESS_WIDTH ? `${text.slice(0, ADDRESS_WIDTH - 3)}...` : text;
}

function endpointsText(endpoints: JsonObject): string {
  const subsets = listAt(endpoints, "subsets");
  if (subsets.length === 0) return "<none>";
  const pairs = subsets.flatMap((subset) => {
    const addresses = listAt(subset, "addresses").map((address) => stringAt(address, "ip"));
    const ports = listAt(subset, "ports").filter(isObject);
    if (ports.length === 0) return addresses;
    return ports.flatMap((port) =>
      addresses.map((ip) => `${ip.includes(":") ? `[${ip}]` : ip}:${port["port"]}`),
    );
  });
  return someOf(pairs, 3);
}
