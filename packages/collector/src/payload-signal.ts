import type { Payload, Signal } from "@tracegate/otlp";

/** Narrows a payload to the signal it carries. */
export function isSignal<S extends Signal>(payload: Payload, signal: S): payload is Payload<S> {
  return payload.signal === signal;
}
