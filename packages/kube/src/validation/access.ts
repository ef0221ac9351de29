import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { dns1123SubdomainErrors, pathSegmentErrors } from "./names.ts";
import { requirementsOf, selectorErrors } from "./selectors.ts";

const GROUP = "rbac.authorization.k8s.io";

/** Rules of Roles and ClusterRoles. */
export function roleErrors(role: JsonObject, namespaced: boolean): FieldError[] {
  const ofRules = listAt(role, "rules")
    .filter(isObject)
    .flatMap((rule, i) => {
      const at = `rules[${i}]`;
      const isEmpty = (field: string) => listAt(rule, field).length === 0;
      const errors = isEmpty("verbs")
        ? [required(`${at}.verbs`, "verbs must contain at least one value")]
        : [];
      if (!isEmpty("nonResourceURLs")) {
        const urls = rule["nonResourceURLs"];
        if (namespaced) {
          errors.push(
            invalid(`${at}.nonResourceURLs`, urls, "namespaced rules cannot apply to non-resource URLs"),
          );
        }
        if (!isEmpty("apiGroups") || !isEmpty("resources") || !isEmpty("resourceNames")) {
          const detail = "rules cannot apply to both regular resources and non-resource URLs";
          errors.push(invalid(`${at}.nonResourceURLs`, urls, detail));
        }
        return errors;
      }
      if (isEmpty("apiGroups")) {
        errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
      }
      if (isEmpty("resources")) {
        errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
      }
      return errors;
    });
  return namespaced ? ofRules : [...ofRules, ...aggregationErrors(objectAt(role, "aggregationRule"))];
}

function aggregationErrors(rule: JsonObject | undefined): FieldError[] {
  if (rule === undefined) return [];
  const path = "aggregationRule.clusterRoleSelectors";
  const selectors = listAt(rule, "clusterRoleSelectors").filter(isObject);
  if (selectors.length === 0) {
    return [required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  }
  return selectors.flatMap((selector, i) => {
    const errors = selectorErrors(selector, `${path}[${i}]`);
    const unusable = requirementsOf(selector) === undefined || errors.length > 0;
    return unusable ? [...errors, invalid(`${path}[${i}]`, null, "invalid label selector.")] : errors;
  });
}

/** Bindings of roles to subjects. */
export function bindingErrors(binding: JsonObject, namespaced: boolean): FieldError[] {
  const role = objectAt(binding, "roleRef") ?? {};
  const kinds = namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const [group, kind, name] = ["apiGroup", "kind", "name"].map((field) => stringAt(role, field));
  const errors: FieldError[] = [];
  if (group !== GROUP) errors.push(notSupported("roleRef.apiGroup", group, [GROUP]));
  if (!kinds.includes(kind ?? "")) errors.push(notSupported("roleRef.kind", kind, kinds));
  if (!name) errors.push(required("roleRef.name"));
  else errors.push(...pathSegmentErrors(name).map((detail) => invalid("roleRef.name", name, detail)));
  const subjects = listAt(binding, "subjects").filter(isObject);
  return [
    ...errors,
    ...subjects.flatMap((subject, i) => subjectErrors(subject, namespaced, `subjects[${i}]`)),
  ];
}

/** The role of a binding is fixed: who may bind was decided for this very role. */
export function bindingUpdateErrors(binding: JsonObject, before: JsonObject): FieldError[] {
  if (jsonEqual(binding["roleRef"], before["roleRef"])) return [];
  const { apiGroup: APIGroup, kind: Kind, name: Name } = objectAt(binding, "roleRef") ?? {};
  // The value is shown as upstream's internal type writes it.
  return [invalid("roleRef", { APIGroup, Kind, Name }, "cannot change roleRef")];
}

function subjectErrors(subject: JsonObject, namespaced: boolean, path: string): FieldError[] {
  const [name, group] = [stringAt(subject, "name"), stringAt(subject, "apiGroup")];
  const errors = name === "" ? [required(`${path}.name`)] : [];
  switch (subject["kind"]) {
    case "ServiceAccount":
      if (name !== "")
        errors.push(...dns1123SubdomainErrors(name).map((detail) => invalid(`${path}.name`, name, detail)));
      if (group !== "") errors.push(notSupported(`${path}.apiGroup`, group, [""]));
      if (!namespaced && stringAt(subject, "namespace") === "") errors.push(required(`${path}.namespace`));
      return errors;
    case "User":
    case "Group":
      return group === GROUP ? errors : [...errors, notSupported(`${path}.apiGroup`, group, [GROUP])];
    default:
      return [
        ...errors,
        notSupported(`${path}.kind`, stringAt(subject, "kind"), ["ServiceAccount", "User", "Group"]),
      ];
  }
}
