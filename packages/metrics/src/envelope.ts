import { type ApiError, asApiError } from "./api-error.ts";
import { type Answer, answerQuery, answerRangeQuery, type QuerySettings } from "./queries.ts";

/** `{"status":"success", …}` around an answer's data. */
export function answerBody({ data, warnings, infos }: Answer): string {
  const beside = [
    ...(warnings !== undefined && warnings.length > 0 ? [`"warnings":${JSON.stringify(warnings)}`] : []),
    ...(infos !== undefined && infos.length > 0 ? [`"infos":${JSON.stringify(infos)}`] : []),
  ].map((part) => `,${part}`);
  return `{"status":"success","data":${data}${beside.join("")}}`;
}

export const errorBody = (error: ApiError): string =>
  JSON.stringify({ status: "error", errorType: error.type, error: error.message });

/**
 * What Prometheus' query endpoints answer over any source, without a server: status and JSON, errors included. Lets a gate
 * be asked of series that never were in a store.
 */
export function answerQueryRequest(
  path: "query" | "query_range",
  params: URLSearchParams,
  settings: QuerySettings,
): { readonly status: number; readonly body: string } {
  try {
    const answer = path === "query" ? answerQuery(params, settings) : answerRangeQuery(params, settings);
    return { status: 200, body: answerBody(answer) };
  } catch (error) {
    const shown = asApiError(error);
    return { status: shown.status, body: errorBody(shown) };
  }
}
