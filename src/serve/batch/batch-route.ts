import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isMillraceError, MillraceError } from "../../core/errors/error.ts";
import type { JsonObject } from "../../core/json.ts";
import type { PredictContext } from "../answer-rows.ts";
import { lingerMs } from "../app.ts";
import { type ServedModel, servedModel } from "../model-source.ts";
import { isInternal, type OnFault, problemOf } from "../problem.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import { answerWriterOf } from "./answers.ts";
import { type BatchRows, type BatchRowsContext, openBatchRows } from "./batch-rows.ts";
import { batchTypes, formOf } from "./media-types.ts";
import { outcomesOf } from "./outcomes.ts";
import { BatchPlaces } from "./places.ts";

export interface BatchContext extends PredictContext, BatchRowsContext {
  readonly onFault: OnFault;
}

/** Time for the line that says that a batch took too long. */
const graceMs = 1000;

/**
 * Answers any number of rows with one version of a model, in order, while they come: JSON lines, CSV or Parquet in, each of them out.
 * A row that breaks the contract gets a line that says so, and the others are answered. Memory does not grow with the number of rows:
 * where the client does not read, nothing more is read from it.
 */
export async function addBatchRoute(app: FastifyInstance, context: BatchContext): Promise<void> {
  const { models, limits } = context;
  const places = new BatchPlaces(limits);
  await app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...batchTypes], (_request, body, parsed) => parsed(null, body));
    scope.post<{ Params: { name: string } }>(
      "/v1/models/:name/batch",
      { config: { access: "predict", arrivesWithinMs: limits.batchMs } },
      async (request, reply) => {
        const served = servedModel(models, request.params.name);
        const end = placeOf(places, request, reply);
        const rows = await openBatchRows(context, served, request, leavingOf(reply)).catch((error: unknown) => {
          end();
          cutOffLater(context, request, reply, error);
          throw error;
        });
        return answerBatch(context, served, { request, reply, rows, end });
      },
    );
    done();
  });
}

function placeOf(places: BatchPlaces, request: FastifyRequest, reply: FastifyReply): () => void {
  try {
    return places.take(formOf(request.headers["content-type"]));
  } catch (error) {
    reply.header("retry-after", "5");
    throw error;
  }
}

/** Aborts once the client of a batch is gone. */
function leavingOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const leave = (): void => gone.abort(new MillraceError("REQUEST_MALFORMED", { reason: "its client left" }));
  raw.once("close", leave);
  if (raw.destroyed) leave();
  return gone.signal;
}

/** Where a body is not taken, what is left of it is not read for ever. */
function cutOffLater({ onFault }: BatchContext, request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const { socket } = request.raw;
  const cutOff = (): void => {
    // One that came whole after all leaves a connection that is good for the next request.
    if (!request.raw.complete) socket.destroy();
  };
  reply.raw.once("finish", () => setTimeout(cutOff, lingerMs).unref());
  if (!isMillraceError(error) || error.code !== "BATCH_UNWRITABLE") return;
  reply.header("retry-after", "5");
  onFault(error, request.id);
}

interface Batch {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly rows: BatchRows;
  /** Gives the place of the batch to others. */
  end(): void;
}

function answerBatch(context: BatchContext, served: ServedModel, { request, reply, rows, end }: Batch): FastifyReply {
  const writer = answerWriterOf(formOf(request.headers.accept), served.model);
  const out = Readable.from(batchOf(context, served, { request, reply, rows, writer }), { objectMode: false });
  // Taken now: a request whose reading failed has none any more.
  const { socket } = request.raw;
  // A client that does not read stops the clock of the answer, too.
  const late = setTimeout(() => socket.destroy(), context.limits.batchMs + graceMs);
  const stop = (): void => {
    out.destroy();
    // What waits for rows hears at once that there are no more.
    void rows.close();
  };
  reply.raw.once("close", stop);
  out.once("close", () => {
    clearTimeout(late);
    void rows.close().finally(end);
  });
  if (reply.raw.destroyed) stop();
  reply.header("x-millrace-version", String(served.version));
  return reply.type(writer.type).send(out);
}

async function* batchOf(
  context: BatchContext,
  served: ServedModel,
  { request, reply, rows, writer }: Omit<Batch, "end"> & { readonly writer: AnswerWriter },
): AsyncGenerator<Buffer> {
  const { limits, clock } = context;
  const end = clock.monotonic() + limits.batchMs;
  let [nRows, answered] = [0, 0];
  try {
    yield* unlessEmpty(await writer.begin());
    for await (const group of rows.groups) {
      if (clock.monotonic() > end) throw new MillraceError("REQUEST_TIMEOUT", { limitMs: limits.batchMs });
      const outcomes = await outcomesOf(context, served, rows.read(group));
      const written = await writer.add(nRows, outcomes);
      nRows += outcomes.length;
      answered += outcomes.filter((outcome) => "answer" in outcome).length;
      yield* unlessEmpty(written);
    }
    context.tracing?.answered(request, served, answered);
    const { model, version } = served;
    const summary: JsonObject = { model: model.name, version, rows: nRows, answered, refused: nRows - answered };
    yield* unlessEmpty(await writer.end(summary));
  } catch (error) {
    // A client that left makes reading fail, too. The request tells nothing of it: it is destroyed once its body was read.
    if (isInternal(error) && !reply.raw.destroyed) context.onFault(error, request.id);
    yield* unlessEmpty(writer.broken(problemOf(error)));
    // The answer's status was sent long ago: a body that breaks off is what tells every client.
    throw error;
  }
}

function unlessEmpty(bytes: Buffer): readonly Buffer[] {
  return bytes.length === 0 ? [] : [bytes];
}
