/**
 * The grammars of names, keys and values, with Kubernetes' own messages (apimachinery `util/validation`). Each function
 * answers the list of what is wrong, empty where the text is valid.
 */
import { byteLength } from "../values/go-text.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const CONFIG_KEY = "[-._a-zA-Z0-9]+";
const HTTP_HEADER = "[-A-Za-z0-9]+";
const WILDCARD_SUBDOMAIN = `\\*\\.${SUBDOMAIN}`;

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const LABEL_RE = whole(LABEL);
const SUBDOMAIN_RE = whole(SUBDOMAIN);
const LABEL_1035_RE = whole(LABEL_1035);
const QUALIFIED_RE = whole(QUALIFIED);
const LABEL_VALUE_RE = whole(`(${QUALIFIED})?`);
const CONFIG_KEY_RE = whole(CONFIG_KEY);
const HTTP_HEADER_RE = whole(HTTP_HEADER);
const WILDCARD_SUBDOMAIN_RE = whole(WILDCARD_SUBDOMAIN);

/** A DNS-1123 label: names of namespaces, containers, volumes. */
export function dns1123LabelErrors(value: string): string[] {
  const errors = lengthErrors(value, 63);
  if (LABEL_RE.test(value)) return errors;
  if (SUBDOMAIN_RE.test(value)) return [...errors, "must not contain dots"];
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    "and must start and end with an alphanumeric character";
  return [...errors, regexError(rule, LABEL, "my-name", "123-abc")];
}

/** A DNS-1123 subdomain: names of most objects. */
export function dns1123SubdomainErrors(value: string): string[] {
  const errors = lengthErrors(value, 253);
  if (SUBDOMAIN_RE.test(value)) return errors;
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    "and must start and end with an alphanumeric character";
  return [...errors, regexError(rule, SUBDOMAIN, "example.com")];
}

/** A DNS-1035 label: names of services. */
export function dns1035LabelErrors(value: string): string[] {
  const errors = lengthErrors(value, 63);
  if (LABEL_1035_RE.test(value)) return errors;
  const rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
    "start with an alphabetic character, and end with an alphanumeric character";
  return [...errors, regexError(rule, LABEL_1035, "my-name", "abc-123")];
}

/** A wildcard host, `*.example.com`. */
export function wildcardSubdomainErrors(value: string): string[] {
  const errors = lengthErrors(value, 253);
  if (WILDCARD_SUBDOMAIN_RE.test(value)) return errors;
  const rule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of " +
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...errors, regexError(rule, WILDCARD_SUBDOMAIN, "*.example.com")];
}

/** A name that is one segment of a path: RBAC objects and others without a grammar of their own. */
export function pathSegmentErrors(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((char) => value.includes(char)).map((char) => `may not contain '${char}'`);
}

/** A qualified name, `[prefix/]name`: keys of labels and annotations, finalizers. */
export function qualifiedNameErrors(value: string): string[] {
  const rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const form = regexError(rule, QUALIFIED, "MyName", "my.name", "123-abc");
  const parts = value.split("/");
  if (parts.length > 2) {
    return [
      `a qualified name ${form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  const name = parts[parts.length - 1] ?? "";
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    const wrong = prefix === "" ? ["must be non-empty"] : dns1123SubdomainErrors(prefix);
    errors.push(...wrong.map((error) => `prefix part ${error}`));
  }
  if (name === "") errors.push("name part must be non-empty");
  else errors.push(...lengthErrors(name, 63).map((error) => `name part ${error}`));
  if (!QUALIFIED_RE.test(name)) errors.push(`name part ${form}`);
  return errors;
}

/** A label's value. */
export function labelValueErrors(value: string): string[] {
  const errors = lengthErrors(value, 63);
  if (LABEL_VALUE_RE.test(value)) return errors;
  const rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    "and must start and end with an alphanumeric character";
  return [...errors, regexError(rule, `(${QUALIFIED})?`, "MyValue", "my_value", "12345")];
}

/** A key of a ConfigMap or Secret. */
export function configKeyErrors(value: string): string[] {
  const errors = lengthErrors(value, 253);
  if (!CONFIG_KEY_RE.test(value)) {
    const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(regexError(rule, CONFIG_KEY, "key.name", "KEY_NAME", "key-name"));
  }
  if (value === "." || value === "..") errors.push(`must not be '${value}'`);
  else if (value.startsWith("..")) errors.push("must not start with '..'");
  return errors;
}

/** The name of an environment variable, as relaxed since 1.32. */
export function envNameErrors(value: string): string[] {
  if (value === "") return ["environment variable name must be non-empty"];
  if (/^[\x20-\x7e]*$/.test(value) && !value.includes("=")) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** The name of a port. */
export function portNameErrors(value: string): string[] {
  const errors = lengthErrors(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

/** A port's number. */
export function portNumberErrors(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : [rangeError(1, 65535)];
}

/** The name of an HTTP header. */
export function httpHeaderErrors(value: string): string[] {
  if (HTTP_HEADER_RE.test(value)) return [];
  const rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [regexError(rule, HTTP_HEADER, "X-Header-Name")];
}

/** `must be between LOW and HIGH, inclusive`. */
export function rangeError(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

function lengthErrors(value: string, max: number): string[] {
  return byteLength(value) > max ? [`must be no more than ${max} characters`] : [];
}

function regexError(rule: string, pattern: string, ...examples: string[]): string {
  // The doubled blank before "or" is upstream's.
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${rule} (e.g. ${shown}regex used for validation is '${pattern}')`;
}
