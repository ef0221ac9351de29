import { type FieldError, invalidStatus, StatusError, type StatusReason } from "@tracegate/kube";

/** What a refusal names: the resource and its group. */
export interface Named {
  readonly group: string;
  readonly plural: string;
}

/** `deployments.apps`, or `pods` for the core group. */
export const qualified = ({ group, plural }: Named): string => (group === "" ? plural : `${plural}.${group}`);

export function notFound({ group, plural }: Named, name: string): StatusError {
  // Upstream calls this one by another name than its address.
  const resource = { group, plural: plural === "componentstatuses" ? "componentstatus" : plural };
  return about(resource, name, 404, "NotFound", `${qualified(resource)} "${name}" not found`);
}

/** An error that upstream passes on as it is: neither a reason nor what it is about is told. */
export const plainError = (message: string): StatusError => new StatusError({ message, code: 500 });

/** The resource or subresource is not served here. */
export function notServed(): StatusError {
  const message = "the server could not find the requested resource";
  return new StatusError({ message, reason: "NotFound", details: {}, code: 404 });
}

export function methodNotAllowed(): StatusError {
  const message = "the server does not allow this method on the requested resource";
  return new StatusError({ message, reason: "MethodNotAllowed", details: {}, code: 405 });
}

/** `leaving`: the one that exists is being deleted. */
export function alreadyExists(resource: Named, name: string, leaving = false): StatusError {
  const message = `${leaving ? "object is being deleted: " : ""}${qualified(resource)} "${name}" already exists`;
  return about(resource, name, 409, "AlreadyExists", message);
}

export function conflict(resource: Named, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return about(resource, name, 409, "Conflict", message);
}

export const MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

export function forbidden(resource: Named, name: string, why: string): StatusError {
  const who = name === "" ? qualified(resource) : `${qualified(resource)} "${name}"`;
  return about(resource, name, 403, "Forbidden", `${who} is forbidden: ${why}`);
}

export function badRequest(message: string): StatusError {
  return new StatusError({ message, reason: "BadRequest", code: 400 });
}

export function invalid(
  { group, kind }: { group: string; kind: string },
  // Not every object has a name yet when something is wrong with it.
  name: string | undefined,
  errors: readonly FieldError[],
): StatusError {
  // Events of both groups are one kind to upstream, which it calls by the older name.
  const named = kind === "Event" && group === "events.k8s.io" ? "" : group;
  return new StatusError(invalidStatus({ group: named, kind }, name ?? "", errors));
}

/** The options of a request are wrong; `options` is their kind, such as `DeleteOptions`. */
export function invalidOptions(options: string, ...errors: FieldError[]): StatusError {
  return invalid({ group: "meta.k8s.io", kind: options }, "", errors);
}

export function expired(message: string): StatusError {
  return new StatusError({ message, reason: "Expired", code: 410 });
}

function about(
  { group, plural }: Named,
  name: string,
  code: number,
  reason: StatusReason,
  message: string,
): StatusError {
  const details = { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: plural };
  return new StatusError({ message, reason, details, code });
}
