import type { JsonObject, JsonValue } from "../../core/json.ts";

/** One operation of an OpenAPI document. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  /** Media types of the body it takes, the first one is ours to use; empty = no body. */
  readonly bodyTypes: readonly string[];
  /** A body to send, where the document has one. */
  readonly example: JsonValue | undefined;
}

export function entriesOf(value: JsonValue | undefined): [string, JsonValue][] {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
}

export function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return entriesOf(value).find(([key]) => key === name)?.[1];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

export function operationsOf(document: JsonObject): readonly Operation[] {
  return entriesOf(document["paths"]).flatMap(([path, methods]) =>
    entriesOf(methods).map(([method, body]): Operation => {
      const content = entriesOf(memberOf(memberOf(body, "requestBody"), "content"));
      return {
        id: textOf(memberOf(body, "operationId")),
        method,
        path,
        summary: textOf(memberOf(body, "summary")),
        bodyTypes: content.map(([type]) => type),
        example: content.map(([, media]) => memberOf(media, "example")).find((one) => one !== undefined),
      };
    }),
  );
}
