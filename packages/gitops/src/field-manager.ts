/** Whose the fields are that syncs write. */
export const fieldManager = "argocd-controller";
