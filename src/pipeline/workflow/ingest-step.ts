import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step } from "../../engine/step.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { plainSource } from "../../ingest/plain-source.ts";
import { keyFor, keyMark } from "../../ingest/guard.ts";
import { type Hold, ingestSource, type IngestReport } from "../../ingest/ingest.ts";
import { readUnreadable, type Unreadable, writeUnreadable } from "../../validate/quarantine.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { stepOf } from "./step-of.ts";

export const ingestReportCodec: Codec<IngestReport> = jsonCodec("ingest-report");
/** What was no row at all. It may hold a person's data, which can be taken out of it. */
export const refusedCodec: Codec<readonly Unreadable[]> = {
  type: "refused-rows",
  format: 1,
  write: (refused, path) => writeUnreadable(path, refused),
  read: readUnreadable,
};

/** Source -> immutable dataset with the contract's columns, and a report of the cells that did not fit their kind. */
export function ingestStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "ingest",
    inputs: [],
    outputs: ["dataset", "report", "refused"],
    params: {
      source: plainSource(spec.source),
      contract: spec.contract,
      texts: spec.clean.texts,
    } as unknown as JsonObject,
    revision: 11,
    observe: async () => {
      const source = await environment.fingerprint();
      const key = keyFor(spec.contract, environment.privacyKey);
      // Another key makes another snapshot of the same source.
      return key === null ? source : { source, key: keyMark(key) };
    },
    async run(context) {
      let report: IngestReport | undefined;
      const hold: Hold = { heldBytes: environment.memory.heldBytes, frame: null };
      await context.writeFile("dataset", datasetCodec(spec.contract), async (output) => {
        report = await ingestSource({
          source: spec.source,
          contract: spec.contract,
          texts: spec.clean.texts,
          privacyKey: environment.privacyKey,
          root: environment.root,
          output,
          progress: context.progress,
          signal: context.signal,
          fetcher: environment.fetcher,
          hold,
        });
        if (hold.frame !== null) return { value: hold.frame };
      });
      // What was read anew is of this run alone: equal snapshots have equal reports.
      const { partitions, refused = [], ...found } = report!;
      await context.write("report", ingestReportCodec, found);
      await context.write("refused", refusedCodec, refused);
      const unreadable = found.nRefused === undefined ? {} : { unreadable: found.nRefused };
      context.record({ rows: found.nRows, ...unreadable, ...partitions });
    },
  });
}
