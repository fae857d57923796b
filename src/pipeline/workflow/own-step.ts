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
import { replacement } from "./replacement.ts";
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

/**
 * A user's own step. Its code is what its function depends on in the file it was loaded from; where that is not known,
 * the text of the function.
 */
export function ownStep(
  spec: PipelineSpec,
  own: OwnStepSpec,
  environment: Pick<WorkflowEnvironment, "packageVersion" | "source">,
): Step {
  const { source = null, packageVersion } = environment;
  const code = source?.codeOf(own.name) ?? { digest: sha256(own.run.toString()), parts: undefined };
  const call = async (context: StepContext): Promise<unknown> => {
    const given = await contextAfter(spec, own.after, context);
    return given && (own.run as (context: unknown) => unknown)(given);
  };
  return {
    params: { after: own.after },
    code: `own ${packageVersion} ${code.digest}`,
    ...(code.parts ? { codeParts: code.parts } : {}),
    ...(own.retry === undefined ? {} : { retry: own.retry }),
    ...(own.tags === undefined ? {} : { tags: own.tags }),
    ...(own.timeoutMs === null ? {} : { timeoutMs: own.timeoutMs }),
    ...(own.memoryMb === null ? {} : { memoryMb: own.memoryMb }),
    ...(source ? { task: { file: source.file, env: own.env, step: own.name } } : {}),
    ...(own.place === "instead" ? replacement(spec, own, call) : besides(own, call)),
  };
}

type OwnCall = (context: StepContext) => Promise<unknown>;

function besides(own: OwnStepSpec, call: OwnCall): Pick<Step, "name" | "inputs" | "outputs" | "run"> {
  return {
    name: own.name,
    inputs: inputsAfter[own.after],
    outputs: ["done"],
    async run(context) {
      await call(context);
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
