import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { MillraceError } from "../../core/errors/error.ts";
import type { JsonObject } from "../../core/json.ts";
import type { PredictContext } from "../answer-rows.ts";
import { inputColumns } from "../contract-schema.ts";
import { type ServedModel, servedModel } from "../model-source.ts";
import { isInternal, type OnFault, problemOf } from "../problem.ts";
import { csvLines, jsonLines } from "./lines.ts";
import type { LineWriter } from "./lines.ts";
import { outcomesOf } from "./outcomes.ts";
import { recordsOf } from "./records.ts";
import type { RecordForm } from "./records.ts";
import { rowReaderOf } from "./rows.ts";

export interface BatchContext extends PredictContext {
  readonly onFault: OnFault;
}

const jsonTypes = ["application/x-ndjson", "application/jsonl"];
const rowsAtOnce = 256;
/** Time for the line that says that a batch took too long. */
const graceMs = 1000;

/**
 * Answers any number of rows with one version of a model, in order, while they come: JSON lines or CSV in, either out. A row
 * that breaks the contract gets a line that says so, and the others are answered. Memory does not grow with the number of rows:
 * where the client does not read, nothing more is read from it.
 */
export async function addBatchRoute(app: FastifyInstance, context: BatchContext): Promise<void> {
  const { models, limits } = context;
  let running = 0;
  await app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...jsonTypes, "text/csv"], (_request, body, parsed) => parsed(null, body));
    scope.post<{ Params: { name: string } }>(
      "/v1/models/:name/batch",
      { config: { access: "predict", arrivesWithinMs: limits.batchMs } },
      (request, reply) => {
        const served = servedModel(models, request.params.name);
        if (running >= limits.batches) {
          reply.header("retry-after", "5");
          throw new MillraceError("OVERLOADED", { limit: limits.batches });
        }
        const isCsv = request.headers.accept?.startsWith("text/csv") ?? false;
        const writer = isCsv ? csvLines(served.model) : jsonLines;
        ++running;
        const out = Readable.from(batchOf(context, served, request, writer), { objectMode: false });
        // Taken now: a request whose reading failed has none any more.
        const { socket } = request.raw;
        // A client that does not read stops the clock of the answer, too.
        const late = setTimeout(() => socket.destroy(), limits.batchMs + graceMs);
        reply.raw.once("close", () => out.destroy());
        out.once("close", () => {
          clearTimeout(late);
          --running;
        });
        reply.header("x-millrace-version", String(served.version));
        return reply.type(isCsv ? "text/csv; charset=utf-8" : "application/x-ndjson").send(out);
      },
    );
    done();
  });
}

async function* batchOf(
  context: BatchContext,
  served: ServedModel,
  request: FastifyRequest,
  writer: LineWriter,
): AsyncGenerator<Buffer> {
  const { limits, clock } = context;
  const form: RecordForm = request.headers["content-type"]?.startsWith("text/csv") ? "csv" : "jsonl";
  const read = rowReaderOf(form, inputColumns(served.model), limits);
  const records = recordsOf(request.body as Readable, form, { maxBytes: limits.bodyBytes, most: rowsAtOnce });
  const end = clock.monotonic() + limits.batchMs;
  let [rows, answered] = [0, 0];
  if (writer.head) yield Buffer.from(writer.head);
  try {
    for await (const group of records) {
      if (clock.monotonic() > end) throw new MillraceError("REQUEST_TIMEOUT", { limitMs: limits.batchMs });
      const outcomes = await outcomesOf(context, served, read(group));
      const lines = outcomes.map((outcome, i) => writer.line(rows + i, outcome));
      rows += outcomes.length;
      answered += outcomes.filter((outcome) => "answer" in outcome).length;
      if (lines.length > 0) yield Buffer.from(lines.join(""));
    }
    context.tracing?.answered(request, served, answered);
    const { model, version } = served;
    const summary: JsonObject = { model: model.name, version, rows, answered, refused: rows - answered };
    yield Buffer.from(writer.end(summary));
  } catch (error) {
    if (isInternal(error) && !request.raw.destroyed) context.onFault(error, request.id);
    yield Buffer.from(writer.broken(problemOf(error)));
    // The answer's status was sent long ago: a body that breaks off is what tells every client.
    throw error;
  }
}
