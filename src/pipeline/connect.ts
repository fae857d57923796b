import { systemClock } from "../core/clock.ts";
import { parseTimeout, type Duration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { RowParts } from "../frame/schema.ts";
import type { Explanation } from "../model/explain.ts";
import { memberOf, request, type Connection } from "./client-request.ts";
import { joinCalls } from "./joined-calls.ts";
import type { OutputOf } from "./task-types.ts";
import type { AnyPipeline } from "./types.ts";

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
  /** Give up on a request after this, with all its tries; default "30s". */
  readonly timeout?: Duration;
  /**
   * Sent with every request, such as an authorization; a function is asked for each, so that it can name the caller's own span
   * in `traceparent`.
   */
  readonly headers?: Headers | (() => Headers);
  /**
   * Tries again, up to so often, where the server has no place (429, 503: as late as it asks) or the connection broke; default 2.
   * It changes nothing to ask twice, but a prediction whose answer was lost stands in the log.
   */
  readonly retries?: number;
  /** Most rows of a request, default 1,000, what a server allows by default: predictMany() sends more as several, one after the other. */
  readonly rowsPerRequest?: number;
  /** Send the rows of predict() calls made at one time as one request; a row that is refused costs the others nothing. Default false. */
  readonly batching?: boolean;
}

type Headers = Readonly<Record<string, string>>;

/**
 * A client for the pipeline's model on the server at `url`, typed by `connect<typeof yourPipeline>(...)`. Where `name`
 * is left out the server is asked once, and must serve exactly one model.
 */
export function connect<P extends AnyPipeline>(url: string, name?: string, options: ConnectOptions = {}): Client<P> {
  const base = baseOf(url);
  const timeoutMs = parseTimeout(options.timeout ?? "30s");
  if (timeoutMs === undefined || timeoutMs <= 0)
    throw invalidDefinition(
      "connect(): timeout",
      'must be a duration such as "5s", at most 24 days',
      showValue(options.timeout),
    );
  const { headers = {}, retries = 2, rowsPerRequest = 1000, batching = false } = options;
  requireCount("retries", retries, 0);
  requireCount("rowsPerRequest", rowsPerRequest, 1);
  const headersOf = typeof headers === "function" ? headers : () => headers;
  const connection: Connection = { base, timeoutMs, retries, clock: systemClock, headersOf };
  let model = name === undefined ? undefined : Promise.resolve(name);
  const ask = async (rows: readonly unknown[], explain: boolean): Promise<Answers> => {
    model ??= onlyModel(connection).catch((error: unknown) => {
      model = undefined;
      throw error;
    });
    return answersOn(connection, await model, rows, explain);
  };
  const predictMany = async (rows: readonly unknown[]): Promise<unknown[]> => {
    const predictions: unknown[] = [];
    for (let from = 0; from < rows.length; from += rowsPerRequest)
      for (const one of (await ask(rows.slice(from, from + rowsPerRequest), false)).predictions) predictions.push(one);
    return predictions;
  };
  const client = {
    predictMany,
    predict: batching
      ? joinCalls(rowsPerRequest, predictMany)
      : async (row: unknown) => (await ask([row], false)).predictions[0],
    explain: async (row: unknown) => {
      const { predictions, explanations } = await ask([row], true);
      return { prediction: predictions[0], explanation: explanations[0] };
    },
  };
  return Object.freeze(client) as unknown as Client<P>;
}

function requireCount(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw invalidDefinition(`connect(): ${name}`, `must be a whole number of at least ${least}`, showValue(value));
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
