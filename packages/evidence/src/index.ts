export type { ArchivedEvidence, EvidenceArchive } from "./archive.ts";
export { evidenceArchive } from "./archive.ts";
export { evidenceController } from "./controller.ts";
export type { EvidencePackage, Gate } from "./evidence-package.ts";
export { evidencePackage } from "./evidence-package.ts";
export { evidenceMarkdown } from "./markdown.ts";
