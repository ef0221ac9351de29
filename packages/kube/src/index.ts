export type { ApplyResult, FieldWriter } from "./apply/server-side-apply.ts";
export { serverSideApply, trackUpdate } from "./apply/server-side-apply.ts";
export { withCustomDefaults } from "./custom/defaults.ts";
export type { Pruned } from "./custom/prune.ts";
export { pruneCustom } from "./custom/prune.ts";
export type { CustomKindRules } from "./custom/validate.ts";
export { customErrors } from "./custom/validate.ts";
export { withBuiltInDefaults } from "./defaults/built-in-defaults.ts";
export { prepareForCreate, qosClass } from "./defaults/creation.ts";
export { prepareForUpdate, TEMPLATE_GENERATION } from "./defaults/update.ts";
export type { JsonObject } from "./json.ts";
export { copyJson, getKey, isObject, jsonEqual, setKey, sortedJson } from "./json.ts";
export type { Kind, Ref } from "./kind.ts";
export { apiVersionOf, defineKind, refKey } from "./kind.ts";
export type * from "./object.ts";
export type { DescribedResource } from "./openapi/document.ts";
export { openApiDocument, openApiIndex } from "./openapi/document.ts";
export { EMPTY_SWAGGER, emptySwaggerProtobuf } from "./openapi/swagger.ts";
export { applyJsonPatch, parseJsonPatch, readJsonPatch } from "./patch/json-patch.ts";
export { applyMergePatch } from "./patch/merge-patch.ts";
export { applyStrategicMergePatch } from "./patch/strategic-merge.ts";
export { builtInPrinter } from "./printing/built-in.ts";
export { customPrinter } from "./printing/custom.ts";
export { jsonPathValues } from "./printing/json-path.ts";
export { podState } from "./printing/pods.ts";
export type { Cell, RowCondition, TableColumn, TablePrinter } from "./printing/table.ts";
export type { ProtobufBody } from "./protobuf/decode.ts";
export { decodeProtobuf, openProtobufBody, ProtobufError } from "./protobuf/decode.ts";
export type * from "./resource-client.ts";
export type { GroupVersion, Resource, Subresource } from "./schema/built-in-resources.ts";
export { builtInGroupVersions, kubernetesVersion } from "./schema/built-in-resources.ts";
export { builtInType, objectMetaType } from "./schema/built-in-types.ts";
export { customType } from "./schema/custom-type.ts";
export type { ExpectedKind, RawBody } from "./schema/decode-body.ts";
export {
  decodeBuiltInBody,
  fieldComplaints,
  jsonBody,
  otherKindText,
  readJsonBody,
  strictDecodingError,
  unrecognized,
} from "./schema/decode-body.ts";
export { jsonTypeName } from "./schema/decode-scalar.ts";
export { JsonSyntaxError, parseJsonText } from "./schema/json-text.ts";
export { DecodeError, decodeTyped, emptyObject, keepOwnershipReset } from "./schema/typed-object.ts";
export type { Field, ListType, MapType, StructType, ValueType } from "./schema/value-type.ts";
export { checkFieldSelector, matchesFieldSelector } from "./selectors/field-labels.ts";
export type { FieldRequirement, FieldRequirements } from "./selectors/field-selector.ts";
export { formatFieldSelector, matchesFields, parseFieldSelector } from "./selectors/field-selector.ts";
export type { LabelRequirement, LabelRequirements } from "./selectors/label-requirement.ts";
export { formatRequirements, matchesRequirements } from "./selectors/label-requirement.ts";
export {
  formatLabelSelector,
  labelRequirements,
  matchesLabelSelector,
  parseLabelSelector,
  SelectorSyntaxError,
} from "./selectors/label-selector.ts";
export * from "./status.ts";
export * from "./types/apiextensions.ts";
export * from "./types/apps.ts";
export * from "./types/batch.ts";
export * from "./types/core.ts";
export * from "./types/discovery.ts";
export type { UpdateContext } from "./validation/built-in.ts";
export { builtInErrors } from "./validation/built-in.ts";
export type { FieldError, FieldErrorReason } from "./validation/field-error.ts";
export {
  aggregateText,
  duplicate,
  fieldErrorBody,
  fieldErrorText,
  forbidden,
  invalid,
  invalidStatus,
  notFound,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "./validation/field-error.ts";
export type { MetadataRules } from "./validation/metadata.ts";
export { metadataErrors, metadataUpdateErrors } from "./validation/metadata.ts";
export * from "./validation/names.ts";
export { serviceAddressErrors } from "./validation/services.ts";
export { builtInWarnings } from "./validation/warnings.ts";
export { humanDuration } from "./values/duration.ts";
export { goJson, goMap, quote } from "./values/go-text.ts";
export { percentOf, scaledValue } from "./values/int-or-percent.ts";
export type { Quantity } from "./values/quantity.ts";
export {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  QuantityError,
  quantityCeil,
} from "./values/quantity.ts";
export { canonicalTime, formatMicroTime, formatTime, parseTime } from "./values/time.ts";
