import { defineKind, type KubeObject, type ObjectReference } from "@tracegate/kube";

export interface EndpointAddress {
  ip: string;
  nodeName?: string;
  targetRef?: ObjectReference;
}

export interface EndpointSubset {
  addresses?: EndpointAddress[];
  notReadyAddresses?: EndpointAddress[];
  ports?: { name?: string; port: number; protocol?: string }[];
}

/** core/v1 Endpoints: what EndpointSlice replaced; one object a Service, of the same name. */
export interface Endpoints extends KubeObject {
  subsets?: EndpointSubset[];
}
export const Endpoints = defineKind<Endpoints>("v1", "Endpoints", "endpoints");
