import { quote } from "./go-values.ts";

/** `type` or `type/name`, trimmed. Throws with the Collector's words. */
export function parseComponentId(given: string): { readonly id: string; readonly type: string } {
  const whole = given.trim();
  if (whole === "") throw new Error("id must not be empty");
  const slash = whole.indexOf("/");
  if (slash < 0) return { id: checkType(whole), type: whole };
  const type = whole.slice(0, slash).trim();
  const name = whole.slice(slash + 1).trim();
  if (type === "") throw new Error(`in ${quote(whole)} id: the part before / should not be empty`);
  checkType(type);
  if (name === "") throw new Error(`in ${quote(whole)} id: the part after / should not be empty`);
  if ([...name].length > 1024) {
    throw new Error(`name ${quote(name)} is longer than 1024 characters (${[...name].length} characters)`);
  }
  if (/[\p{Z}\p{C}\p{S}]/u.test(name)) throw new Error(`invalid character(s) in name ${quote(name)}`);
  return { id: `${type}/${name}`, type };
}

function checkType(type: string): string {
  if (!/^[a-zA-Z][0-9a-zA-Z_]{0,62}$/.test(type))
    throw new Error(`invalid character(s) in type ${quote(type)}`);
  return type;
}
