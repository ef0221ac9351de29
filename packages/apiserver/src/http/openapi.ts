import { createHash } from "node:crypto";
import {
  type DescribedResource,
  EMPTY_SWAGGER,
  emptySwaggerProtobuf,
  openApiDocument,
  openApiIndex,
} from "@tracegate/kube";
import { type ServedKind, type ServedKinds, schemaOf } from "../core/served-kinds.ts";
import { answer, answerText } from "./answers.ts";
import type { Exchange } from "./exchange.ts";

interface Document {
  readonly text: string;
  readonly hash: string;
}

/** OpenAPI documents of what is served, made once for each change of the kinds. */
export class OpenApi {
  readonly #kinds: ServedKinds;
  readonly #documents = new Map<string, Document>();
  #version = -1;

  constructor(kinds: ServedKinds) {
    this.#kinds = kinds;
  }

  /** `/openapi/v2` and `/openapi/v3/…`; `rest` is the path behind `/openapi`. */
  answer(rest: readonly string[], { request, response }: Exchange): void {
    const [version, ...path] = rest;
    if (version === "v2" && path.length === 0) {
      answerSwagger(request.headers.accept, response);
      return;
    }
    const body = version === "v3" ? this.#v3(path) : undefined;
    if (body === undefined) {
      if (version === "v3" && path.length > 0) {
        response.statusCode = 404;
        response.end();
      } else answerText(response, 404, "404 page not found\n");
      return;
    }
    response.setHeader("ETag", `"${body.hash}"`);
    if (request.headers["if-none-match"] === `"${body.hash}"`) {
      response.statusCode = 304;
      response.end();
      return;
    }
    answerText(response, 200, body.text, "application/json");
  }

  #v3([root, ...path]: readonly string[]): Document | undefined {
    if (root === undefined) {
      const index = openApiIndex(
        this.#groupVersions(),
        (group, version) => this.#document(group, version)?.hash ?? "",
      );
      return documentOf(index);
    }
    if (root === "api" && path.length === 1) return this.#document("", path[0] ?? "");
    if (root === "apis" && path.length === 2) return this.#document(path[0] ?? "", path[1] ?? "");
    return undefined;
  }

  #groupVersions(): { group: string; version: string }[] {
    const seen = new Map<string, { group: string; version: string }>();
    for (const { group, version } of this.#kinds.all()) seen.set(`${group}/${version}`, { group, version });
    return [...seen.values()];
  }

  #document(group: string, version: string): Document | undefined {
    if (this.#version !== this.#kinds.version) this.#documents.clear();
    this.#version = this.#kinds.version;
    const key = `${group}/${version}`;
    let document = this.#documents.get(key);
    if (document !== undefined) return document;
    const served = [...this.#kinds.all()].filter((kind) => kind.group === group && kind.version === version);
    if (served.length === 0) return undefined;
    document = documentOf(openApiDocument(group, version, served.map(described)));
    this.#documents.set(key, document);
    return document;
  }
}

function described(served: ServedKind): DescribedResource {
  const { type, custom, ...resource } = served;
  if (custom === undefined) return type === undefined ? resource : { ...resource, type };
  const schema = schemaOf(custom.version);
  return schema === undefined ? resource : { ...resource, schema };
}

function documentOf(body: object): Document {
  const text = JSON.stringify(body);
  return { text, hash: createHash("sha256").update(text).digest("hex").toUpperCase() };
}

/** Go clients ask for protobuf and want a media type that parses; everyone else gets JSON. */
function answerSwagger(accept: string | undefined, response: Exchange["response"]): void {
  if (!(accept ?? "").includes("protobuf")) {
    answer(response, 200, EMPTY_SWAGGER);
    return;
  }
  const bytes = Buffer.from(emptySwaggerProtobuf());
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("Content-Length", bytes.length);
  response.end(bytes);
}
