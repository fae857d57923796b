import { formatDuration, parseDuration, type Duration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { RowParts } from "../frame/schema.ts";
import type { Explanation } from "../model/explain.ts";
import type { AnyPipeline, OutputOf } from "./types.ts";

/** A property of an interface, not an alias: messages then print `{ area: number; ... }` instead of `RowFor<Pipeline<...>>`. */
interface TypesOf<P extends AnyPipeline> {
  row: {
    [K in keyof RowParts<P["schema"], P["target"] | P["weight"]>]: RowParts<P["schema"], P["target"] | P["weight"]>[K];
  };
  output: OutputOf<P["schema"], NonNullable<P["target"]>>;
}

/** The row a request sends: every column but target and weight. */
export type RowFor<P extends AnyPipeline> = TypesOf<P>["row"];
/** What a prediction of this pipeline is. */
export type OutputFor<P extends AnyPipeline> = TypesOf<P>["output"];

/** A typed client of one served model. Every method rejects with CLIENT_REFUSED where the server refuses or is not there. */
export interface Client<P extends AnyPipeline> {
  predict(row: TypesOf<P>["row"]): Promise<TypesOf<P>["output"]>;
  /** One answer a row, in order. */
  predictMany(rows: readonly TypesOf<P>["row"][]): Promise<TypesOf<P>["output"][]>;
  /** The answer and what each feature added to it; clusters cannot be explained. */
  explain(row: TypesOf<P>["row"]): Promise<Explained<TypesOf<P>["output"]>>;
}

/** An answer and why: `score` = `base` + the sum of `contributions`, in units of the raw score (log odds for two labels). */
export interface Explained<O> {
  readonly prediction: O;
  readonly explanation: Explanation;
}

/** How to talk to the server. */
export interface ConnectOptions {
  /** Give up on a request after this; default "30s". */
  readonly timeout?: Duration;
  /** Sent with every request, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A client for the pipeline's model on the server at `url`, typed by `connect<typeof yourPipeline>(...)`. Where `name`
 * is left out the server is asked once, and must serve exactly one model.
 */
export function connect<P extends AnyPipeline>(url: string, name?: string, options: ConnectOptions = {}): Client<P> {
  const base = baseOf(url);
  const timeoutMs = parseDuration(options.timeout ?? "30s");
  if (timeoutMs === undefined || timeoutMs <= 0)
    throw invalidDefinition("connect(): timeout", 'must be a duration such as "5s"', showValue(options.timeout));
  const connection: Connection = { base, timeoutMs, headers: options.headers ?? {} };
  let model = name === undefined ? undefined : Promise.resolve(name);
  const ask = async (rows: readonly unknown[], explain: boolean): Promise<Answers> => {
    model ??= onlyModel(connection).catch((error: unknown) => {
      model = undefined;
      throw error;
    });
    return answersOn(connection, await model, rows, explain);
  };
  const client = {
    predictMany: async (rows: readonly unknown[]) => (rows.length === 0 ? [] : (await ask(rows, false)).predictions),
    predict: async (row: unknown) => (await ask([row], false)).predictions[0],
    explain: async (row: unknown) => {
      const { predictions, explanations } = await ask([row], true);
      return { prediction: predictions[0], explanation: explanations[0] };
    },
  };
  return Object.freeze(client) as unknown as Client<P>;
}

interface Connection {
  readonly base: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

function baseOf(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw invalidDefinition("connect()", "takes the address of a server such as http://127.0.0.1:4000", showValue(url));
  return url.replace(/\/+$/, "");
}

interface Answers {
  readonly predictions: readonly unknown[];
  /** Empty unless asked for. */
  readonly explanations: readonly unknown[];
}

async function answersOn(
  connection: Connection,
  model: string,
  rows: readonly unknown[],
  explain: boolean,
): Promise<Answers> {
  const url = `${connection.base}/v1/models/${encodeURIComponent(model)}/predict`;
  const answer = await request(connection, url, JSON.stringify(explain ? { rows, explain } : { rows }));
  const listOf = (name: string, what: string): readonly unknown[] => {
    const list = memberOf(answer, name);
    if (Array.isArray(list) && list.length === rows.length) return list;
    throw new MillraceError("CLIENT_REFUSED", { url, status: 200, detail: `an answer without one ${what} a row` });
  };
  return {
    predictions: listOf("predictions", "prediction"),
    explanations: explain ? listOf("explanations", "explanation") : [],
  };
}

async function onlyModel(connection: Connection): Promise<string> {
  const url = `${connection.base}/v1/models`;
  const models = memberOf(await request(connection, url), "models");
  const names = Array.isArray(models) ? models.map((model) => memberOf(model, "name")) : [];
  const [only] = names;
  if (names.length === 1 && typeof only === "string") return only;
  const detail = `it serves ${names.length === 0 ? "no model" : names.join(", ")}; connect(url, name) must say which`;
  throw new MillraceError("CLIENT_REFUSED", { url, status: 200, detail });
}

/** Sends `body` (POST) or asks (GET) and reads the JSON answer; Dates in the body are ISO 8601 texts by then. */
async function request(connection: Connection, url: string, body?: string): Promise<unknown> {
  const { timeoutMs } = connection;
  const headers = { accept: "application/json", ...connection.headers };
  const init =
    body === undefined
      ? { headers }
      : { method: "POST", body, headers: { ...headers, "content-type": "application/json" } };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    text = await response.text();
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    const detail = isLate ? `nothing within ${formatDuration(timeoutMs)}` : reasonOf(error);
    throw new MillraceError("CLIENT_REFUSED", { url, status: 0, detail }, { cause: error });
  }
  const answer = jsonOf(text);
  if (response.ok && answer !== undefined) return answer;
  const detail = response.ok ? "an answer that is not JSON" : problemOf(answer, response.statusText);
  throw new MillraceError("CLIENT_REFUSED", { url, status: response.status, detail });
}

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && cause.message) return cause.message;
  return error instanceof Error ? error.message : String(error);
}

/** What a problem+json answer (RFC 9457) says. */
function problemOf(answer: unknown, statusText: string): string {
  const parts = [memberOf(answer, "code"), memberOf(answer, "detail") ?? memberOf(answer, "title")];
  return parts.filter((part) => typeof part === "string").join(": ") || statusText || "no reason given";
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
