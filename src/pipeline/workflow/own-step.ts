import { sha256 } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import type { Step, StepContext } from "../../engine/step.ts";
import type { Frame } from "../../frame/frame.ts";
import { rowsFromFrame } from "../../frame/rows.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { answersOf, predictRows } from "../../model/predict.ts";
import type { OwnStepSpec, PipelineSpec } from "../spec.ts";
import { jsonCodec, modelCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { evaluationReportCodec } from "./evaluate-step.ts";
import { gateOutcomeCodec } from "./gate-step.ts";
import { promotedCodec } from "./promote-step.ts";
import { validationReportCodec } from "./validate-step.ts";

const inputsAfter: Readonly<Record<OwnStepSpec["after"], readonly string[]>> = {
  ingest: ["ingest.dataset"],
  validate: ["ingest.dataset", "validate.report"],
  train: ["train.model"],
  evaluate: ["evaluate.report"],
  gate: ["evaluate.report", "gate.outcome"],
  promote: ["promote.result"],
};

const doneCodec = jsonCodec<{ readonly done: true }>("own-step");

/** A user's own step. Its code is the text of its function: what the function closes over is not part of the cache key. */
export function ownStep(spec: PipelineSpec, own: OwnStepSpec, environment: WorkflowEnvironment): Step {
  return {
    name: own.name,
    inputs: inputsAfter[own.after],
    outputs: ["done"],
    params: { after: own.after },
    code: `own ${environment.packageVersion} ${sha256(own.run.toString())}`,
    async run(context) {
      const given = await contextAfter(spec, own.after, context);
      if (given) await withTimeout(own, async () => (own.run as (context: unknown) => unknown)(given));
      await context.write("done", doneCodec, { done: true });
    },
  };
}

/** What the user's function is given; null where what it follows did not happen: a version that was not promoted. */
async function contextAfter(
  spec: PipelineSpec,
  after: OwnStepSpec["after"],
  context: StepContext,
): Promise<object | null> {
  switch (after) {
    case "ingest":
      return { rows: rowsOf(await context.read("ingest.dataset", datasetCodec(spec.contract))) };
    case "validate": {
      const { issues } = await context.read("validate.report", validationReportCodec);
      return { rows: rowsOf(await context.read("ingest.dataset", datasetCodec(spec.contract))), issues };
    }
    case "train": {
      const model = await context.read("train.model", modelCodec);
      return { predict: (row: unknown) => predictOne(model, row) };
    }
    case "evaluate":
      return { metrics: (await context.read("evaluate.report", evaluationReportCodec)).metrics };
    case "gate": {
      const { verdict } = await context.read("gate.outcome", gateOutcomeCodec);
      return {
        passed: verdict.passed,
        metrics: (await context.read("evaluate.report", evaluationReportCodec)).metrics,
      };
    }
    case "promote": {
      const { version, promoted } = await context.read("promote.result", promotedCodec);
      return promoted ? { version } : null;
    }
  }
}

function predictOne(model: Parameters<typeof predictRows>[0], row: unknown): unknown {
  const { predictions, issues } = predictRows(model, [row]);
  const [first] = issues;
  if (first) {
    throw new MillraceError("REQUEST_INVALID", {
      count: issues.length,
      first: `"${first.column}": expected ${first.expected}, got ${first.actual}`,
    });
  }
  return answersOf(model, predictions)[0];
}

/** Rows one by one, made in blocks so that a large dataset is never a million objects at once. */
async function* rowsOf(frame: Frame): AsyncGenerator<object> {
  const blockSize = 1024;
  for (let start = 0; start < frame.nRows; start += blockSize) {
    const block = Uint32Array.from({ length: Math.min(blockSize, frame.nRows - start) }, (_, i) => start + i);
    yield* rowsFromFrame(frame, block);
  }
}

async function withTimeout(own: OwnStepSpec, work: () => Promise<unknown>): Promise<void> {
  if (own.timeoutMs === null) {
    await work();
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new MillraceError("STEP_FAILED", { step: own.name, reason: `it took longer than ${own.timeoutMs} ms` })),
      own.timeoutMs!,
    );
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
