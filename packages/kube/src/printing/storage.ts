import { type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { AGE, ageOf, column, NAME, nameOf, simplePrinter, type TablePrinter, textOr, wide } from "./table.ts";

export const storageClassPrinter = simplePrinter(
  [
    column("Provisioner"),
    column("ReclaimPolicy"),
    column("VolumeBindingMode"),
    column("AllowVolumeExpansion"),
  ],
  (o) => [
    stringAt(o, "provisioner"),
    stringAt(o, "reclaimPolicy") || "Delete",
    stringAt(o, "volumeBindingMode") || "Immediate",
    o["allowVolumeExpansion"] === true,
  ],
);

/** Short forms of access modes. */
const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const modesText = (modes: readonly unknown[]): string =>
  modes.map((mode) => MODES[String(mode)] ?? "").join(",");
const phaseText = (o: JsonObject): string =>
  objectAt(o, "metadata")?.["deletionTimestamp"] === undefined
    ? stringAt(o["status"], "phase")
    : "Terminating";

export const claimPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Status"),
    column("Volume"),
    column("Capacity"),
    column("Access Modes"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    AGE,
    wide("VolumeMode"),
  ],
  cells(claim, now) {
    const [spec, status] = [objectAt(claim, "spec"), objectAt(claim, "status")];
    const volume = stringAt(spec, "volumeName");
    return [
      nameOf(claim),
      phaseText(claim),
      volume,
      volume === "" ? "" : textOr(objectAt(status, "capacity")?.["storage"], "0"),
      volume === "" ? "" : modesText(listAt(status, "accessModes")),
      stringAt(spec, "storageClassName"),
      stringAt(spec, "volumeAttributesClassName") || "<unset>",
      ageOf(claim, now),
      stringAt(spec, "volumeMode") || "<unset>",
    ];
  },
};

export const volumePrinter: TablePrinter = {
  columns: [
    NAME,
    column("Capacity"),
    column("Access Modes"),
    column("Reclaim Policy"),
    column("Status"),
    column("Claim"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    column("Reason"),
    AGE,
    wide("VolumeMode"),
  ],
  cells(volume, now) {
    const spec = objectAt(volume, "spec");
    const claim = objectAt(spec, "claimRef");
    return [
      nameOf(volume),
      textOr(objectAt(spec, "capacity")?.["storage"], "0"),
      modesText(listAt(spec, "accessModes")),
      stringAt(spec, "persistentVolumeReclaimPolicy"),
      phaseText(volume),
      claim === undefined ? "" : `${stringAt(claim, "namespace")}/${stringAt(claim, "name")}`,
      stringAt(spec, "storageClassName"),
      stringAt(spec, "volumeAttributesClassName") || "<unset>",
      stringAt(volume["status"], "reason"),
      ageOf(volume, now),
      stringAt(spec, "volumeMode") || "<unset>",
    ];
  },
};
