import { isObject, numberAt, objectAt, stringAt } from "../json.ts";
import { column, NAME, nameOf, since, type TablePrinter, wide } from "./table.ts";

export const eventPrinter: TablePrinter = {
  columns: [
    column("Last Seen"),
    column("Type"),
    column("Reason"),
    column("Object"),
    wide("Subobject"),
    wide("Source"),
    column("Message"),
    wide("First Seen"),
    wide("Count"),
    { ...NAME, priority: 1 },
  ],
  cells(event, now) {
    const isNew = isObject(event["regarding"]);
    const about = objectAt(event, isNew ? "regarding" : "involvedObject");
    const source = objectAt(event, isNew ? "deprecatedSource" : "source");
    const time = (name: string) => {
      const old = `deprecated${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      return event[isNew ? old : name] ?? undefined;
    };
    const first = since(time("firstTimestamp") ?? event["eventTime"], now);
    const series = objectAt(event, "series");
    const last = time("lastTimestamp");
    const name = stringAt(about, "name");
    const kind = stringAt(about, "kind").toLowerCase();
    const component =
      stringAt(source, "component") || stringAt(event, isNew ? "reportingController" : "reportingComponent");
    const host = stringAt(source, "host") || stringAt(event, "reportingInstance");
    const count = numberAt(series, "count") ?? numberAt(event, isNew ? "deprecatedCount" : "count");
    return [
      series !== undefined
        ? since(series["lastObservedTime"], now)
        : last === undefined
          ? first
          : since(last, now),
      stringAt(event, "type"),
      stringAt(event, "reason"),
      name === "" ? kind : `${kind}/${name}`,
      stringAt(about, "fieldPath"),
      host === "" ? component : `${component}, ${host}`,
      stringAt(event, isNew ? "note" : "message").trim(),
      first,
      count || 1,
      nameOf(event),
    ];
  },
};
