import { type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { dns1123LabelErrors, rangeError } from "./names.ts";

/** What is wrong with one source of a volume; `path` is where it stands. */
export type SourceRule = (source: JsonObject, path: string) => FieldError[];

/** Fields that must not be empty. */
export const having =
  (...fields: readonly string[]): SourceRule =>
  (source, path) =>
    fields.flatMap((field) => {
      const value = source[field];
      const empty = Array.isArray(value) ? value.length === 0 : (value ?? "") === "";
      return empty ? [required(`${path}.${field}`)] : [];
    });

const partition: SourceRule = (source, path) => {
  const number = numberAt(source, "partition") ?? 0;
  return number < 0 || number > 255
    ? [invalid(`${path}.partition`, number, "must be between 1 and 255, inclusive")]
    : [];
};

const both =
  (...rules: readonly SourceRule[]): SourceRule =>
  (source, path) =>
    rules.flatMap((rule) => rule(source, path));

const lunErrors = (source: JsonObject, path: string): FieldError[] => {
  const lun = numberAt(source, "lun") ?? 0;
  return lun < 0 || lun > 255 ? [invalid(`${path}.lun`, lun, rangeError(0, 255))] : [];
};

/** Volumes of clouds and storage systems, most of which no node of today can mount any more. */
export const STORAGE_SYSTEMS: Readonly<Record<string, SourceRule>> = {
  awsElasticBlockStore: both(having("volumeID"), partition),
  // Upstream's own name for the field.
  gcePersistentDisk: (source, path) => {
    const at = path.replace(/gcePersistentDisk$/, "persistentDisk");
    return [...having("pdName")(source, at), ...partition(source, at)];
  },
  azureDisk: azureDiskErrors,
  azureFile: having("secretName", "shareName"),
  cephfs: having("monitors"),
  cinder: both(having("volumeID"), (source, path) => {
    const secret = objectAt(source, "secretRef");
    return secret === undefined ? [] : having("name")(secret, `${path}.secretRef`);
  }),
  fc: fibreErrors,
  flexVolume: having("driver"),
  flocker: flockerErrors,
  gitRepo: having("repository"),
  glusterfs: having("endpoints", "path"),
  iscsi: iscsiErrors,
  photonPersistentDisk: having("pdID"),
  portworxVolume: having("volumeID"),
  quobyte: quobyteErrors,
  rbd: having("monitors", "image"),
  scaleIO: having("gateway", "system", "volumeName"),
  storageos: (source, path) => {
    const name = stringAt(source, "volumeName");
    const namespace = stringAt(source, "volumeNamespace");
    const secret = objectAt(source, "secretRef");
    return [
      ...(name === "" ? [required(`${path}.volumeName`)] : labelErrors(name, `${path}.volumeName`)),
      ...(namespace === "" ? [] : labelErrors(namespace, `${path}.volumeNamespace`)),
      ...(secret === undefined ? [] : having("name")(secret, `${path}.secretRef`)),
    ];
  },
  vsphereVolume: having("volumePath"),
};

const labelErrors = (name: string, path: string): FieldError[] =>
  dns1123LabelErrors(name).map((detail) => invalid(path, name, detail));

const CACHING = ["None", "ReadOnly", "ReadWrite"];
const DISKS = ["Dedicated", "Managed", "Shared"];
const MANAGED_DISK =
  "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB_DISK = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

function azureDiskErrors(source: JsonObject, path: string): FieldError[] {
  const [uri, kind] = [stringAt(source, "diskURI"), stringAt(source, "kind")];
  const caching = stringAt(source, "cachingMode");
  const errors = having("diskName", "diskURI")(source, path);
  if (caching !== "" && !CACHING.includes(caching))
    errors.push(notSupported(`${path}.cachingMode`, caching, CACHING));
  if (kind !== "" && !DISKS.includes(kind)) errors.push(notSupported(`${path}.kind`, kind, DISKS));
  const managed = kind === "Managed";
  if (!uri.startsWith(managed ? "/subscriptions/" : "https://")) {
    errors.push(notSupported(`${path}.diskURI`, uri, [managed ? MANAGED_DISK : BLOB_DISK]));
  }
  return errors;
}

function fibreErrors(source: JsonObject, path: string): FieldError[] {
  const [targets, ids] = [listAt(source, "targetWWNs"), listAt(source, "wwids")];
  const at = `${path}.targetWWNs`;
  const errors: FieldError[] = [];
  if (targets.length === 0 && ids.length === 0) {
    errors.push(required(at, "must specify either targetWWNs or wwids, but not both"));
  }
  if (targets.length > 0 && ids.length > 0) {
    errors.push(invalid(at, targets, "targetWWNs and wwids can not be specified simultaneously"));
  }
  if (targets.length === 0) return errors;
  return source["lun"] === undefined
    ? [...errors, required(`${path}.lun`, "lun is required if targetWWNs is specified")]
    : [...errors, ...lunErrors(source, path)];
}

function flockerErrors(source: JsonObject, path: string): FieldError[] {
  const [name, id] = [stringAt(source, "datasetName"), stringAt(source, "datasetUUID")];
  if (name === "" && id === "") return [required(path, "one of datasetName and datasetUUID is required")];
  const errors: FieldError[] = [];
  if (name !== "" && id !== "") {
    errors.push(invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously"));
  }
  if (name.includes("/")) errors.push(invalid(`${path}.datasetName`, name, "must not contain '/'"));
  return errors;
}

const ISCSI_NAME = /^(iqn|eui|naa)\./;
const ISCSI_FORM = "must be valid format starting with iqn, eui, or naa";

function iscsiErrors(source: JsonObject, path: string): FieldError[] {
  const [name, initiator] = [stringAt(source, "iqn"), stringAt(source, "initiatorName")];
  const errors = having("targetPortal", "iqn")(source, path);
  if (name !== "" && !ISCSI_NAME.test(name)) errors.push(invalid(`${path}.iqn`, name, ISCSI_FORM));
  errors.push(...lunErrors(source, path));
  const secret = source["secretRef"];
  const asks = source["chapAuthDiscovery"] === true || source["chapAuthSession"] === true;
  if (asks && secret === undefined) errors.push(required(`${path}.secretRef`));
  // The case of the field is upstream's.
  if (initiator !== "" && !ISCSI_NAME.test(initiator))
    errors.push(invalid(`${path}.initiatorname`, initiator, ISCSI_FORM));
  return errors;
}

const HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas";

function quobyteErrors(source: JsonObject, path: string): FieldError[] {
  const registry = stringAt(source, "registry");
  const wrong = registry.split(",").some((pair) => !/^[^:]*:[^:]*$/.test(pair));
  const errors: FieldError[] = [];
  if (registry === "") errors.push(required(`${path}.registry`, HOST_PORTS));
  else if (wrong) errors.push(invalid(`${path}.registry`, registry, HOST_PORTS));
  return [...errors, ...having("volume")(source, path)];
}
