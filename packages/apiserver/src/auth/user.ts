/** Who makes a request. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const ANONYMOUS: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** Members may do everything, whatever RBAC says. */
export const MASTERS = "system:masters";

/** Every user who could say who they are belongs to this group. */
export const AUTHENTICATED = "system:authenticated";
