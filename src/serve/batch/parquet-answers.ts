import type { BlockColumn } from "../../ingest/delimited/block.ts";
import { type SnapshotColumn, SnapshotWriter } from "../../ingest/snapshot/snapshot-writer.ts";
import { textBlock } from "../../ingest/snapshot/write-frames.ts";
import type { Model } from "../../model/model.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import { answerNames, type RowOutcome } from "./lines.ts";
import { parquetType } from "./media-types.ts";

/** Of answers that wait for their row group: several batches are answered at a time, of models with many labels, too. */
const mostCells = 1 << 18;

/**
 * Answers as a Parquet file with the columns of the CSV form. Its end says where everything lies, so that one which broke off is no
 * file to any reader.
 */
export function openParquetAnswers({ labels }: Model): AnswerWriter {
  const names = labels.map(String);
  const places = new Map(names.map((name, k) => [name, k]));
  let bytes: Buffer[] = [];
  const taken = (): Buffer => {
    const all = Buffer.concat(bytes);
    bytes = [];
    return all;
  };
  // Copied: a client may take its time, and the writer's memory is its own again.
  const sink = {
    write: async (parts: readonly Buffer[]) => void bytes.push(Buffer.concat(parts)),
    close: async () => {},
  };
  let writer: SnapshotWriter;
  return {
    type: parquetType,
    async begin() {
      writer = await SnapshotWriter.into(sink, columnsOf(names), mostCells);
      return taken();
    },
    async add(firstRow, outcomes) {
      await writer.add(answerData({ names, places }, firstRow, outcomes), outcomes.length);
      return taken();
    },
    async end() {
      await writer.finish();
      return taken();
    },
    broken: () => Buffer.alloc(0),
  };
}

function columnsOf(names: readonly string[]): SnapshotColumn[] {
  const answers = answerNames(names).map((name): SnapshotColumn => ({
    name,
    kind: name === "label" ? "category" : "number",
  }));
  return [
    { name: "row", kind: "number" },
    ...answers,
    { name: "predictionId", kind: "text" },
    { name: "error", kind: "text" },
  ];
}

interface Labels {
  readonly names: readonly string[];
  readonly places: ReadonlyMap<string, number>;
}

function answerData({ names, places }: Labels, firstRow: number, outcomes: readonly RowOutcome[]): BlockColumn[] {
  const answers = outcomes.map((outcome) => ("answer" in outcome ? outcome.answer : null));
  const classes = answers.map((answer) => (typeof answer === "number" ? null : answer));
  const found: BlockColumn[] =
    names.length === 0
      ? [numbers(answers.map((answer) => (typeof answer === "number" ? answer : NaN)))]
      : [
          {
            kind: "category",
            codes: Int32Array.from(classes, (one) => (one === null ? -1 : places.get(String(one.label))!)),
            levels: names,
          },
          ...names.map((name) => numbers(classes.map((one) => (one === null ? NaN : Number(one.probabilities[name]))))),
        ];
  return [
    numbers(outcomes.map((_, i) => firstRow + i)),
    ...found,
    textBlock(outcomes.map((outcome) => ("answer" in outcome ? outcome.predictionId : null))),
    textBlock(outcomes.map((outcome) => ("answer" in outcome ? null : outcome.detail))),
  ];
}

function numbers(values: readonly number[]): BlockColumn {
  return { kind: "number", values: Float64Array.from(values) };
}
