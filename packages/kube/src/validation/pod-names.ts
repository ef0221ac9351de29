import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { ipErrors } from "./addresses.ts";
import { type FieldError, invalid, required } from "./field-error.ts";
import { dns1123SubdomainErrors } from "./names.ts";

const MAX_NAMESERVERS = 3;
const SEARCH_PART = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SEARCH = `${SEARCH_PART}(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*`;

/** How a pod resolves names by itself. */
export function dnsErrors(spec: JsonObject, path: string): FieldError[] {
  const config = objectAt(spec, "dnsConfig");
  const at = `${path}.dnsConfig`;
  const servers = listAt(config, "nameservers").map(String);
  const errors: FieldError[] = [];
  if (spec["dnsPolicy"] === "None") {
    if (config === undefined) return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if (servers.length === 0) {
      const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
      return [required(`${at}.nameservers`, detail)];
    }
  }
  if (servers.length > MAX_NAMESERVERS) {
    errors.push(
      invalid(`${at}.nameservers`, servers, `must not have more than ${MAX_NAMESERVERS} nameservers`),
    );
  }
  servers.forEach((server, i) => {
    errors.push(...ipErrors(String(server), `${at}.nameservers[${i}]`));
  });
  listAt(config, "searches").forEach((search, i) => {
    const domain = String(search).replace(/\.$/, "");
    if (new RegExp(`^${SEARCH}$`).test(domain) || String(search) === ".") return;
    const detail =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start " +
      `and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SEARCH}')`;
    errors.push(invalid(`${at}.searches[${i}]`, search, detail));
  });
  listAt(config, "options").forEach((option, i) => {
    if (stringAt(option, "name") === "") errors.push(required(`${at}.options[${i}]`, "must not be empty"));
  });
  return errors;
}

/** Lines of `/etc/hosts`. */
export function hostAliasErrors(spec: JsonObject, path: string): FieldError[] {
  return listAt(spec, "hostAliases")
    .filter(isObject)
    .flatMap((alias, i) => {
      const at = `${path}.hostAliases[${i}]`;
      const ip = stringAt(alias, "ip");
      const errors = ipErrors(ip, `${at}.ip`);
      listAt(alias, "hostnames").forEach((name, j) => {
        const wrong = dns1123SubdomainErrors(String(name));
        errors.push(...wrong.map((detail) => invalid(`${at}.hostnames[${j}]`, name, detail)));
      });
      return errors;
    });
}
