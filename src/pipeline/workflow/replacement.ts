import { MillraceError } from "../../core/errors/error.ts";
import type { Step, StepContext } from "../../engine/step.ts";
import { judgeGate, type GateReason } from "../../evaluate/gate.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { OwnStepSpec, PipelineSpec } from "../spec.ts";
import { auditReportCodec } from "./audit-step.ts";
import { splitCodec } from "./codecs.ts";
import { evaluationReportCodec } from "./evaluate-step.ts";
import { gateOutcomeCodec } from "./gate-step.ts";
import { quarantineCodec } from "./validate-step.ts";

type OwnCall = (context: StepContext) => Promise<unknown>;
type Body = Pick<Step, "name" | "inputs" | "outputs" | "run">;

/** An own step in the place of a standard one: under its name, with its outputs. */
export function replacement(spec: PipelineSpec, own: OwnStepSpec, call: OwnCall): Body {
  return own.at === "split" ? ownSplit(spec, call) : ownGate(call);
}

function ownSplit(spec: PipelineSpec, call: OwnCall): Body {
  return {
    name: "split",
    inputs: ["ingest.dataset", "validate.report", "validate.quarantine"],
    outputs: ["rows"],
    async run(context) {
      const { nRows } = await context.read("ingest.dataset", datasetCodec(spec.contract));
      const codes = await codesOf(await call(context), nRows);
      for (const row of await context.read("validate.quarantine", quarantineCodec)) codes[row] = leftOut;
      for (const [code, split] of [
        [splitCode.train, "train"],
        [splitCode.test, "test"],
      ] as const)
        if (rowsWithCode(codes, code).length === 0) throw new MillraceError("SPLIT_EMPTY", { split, nRows });
      await context.write("rows", splitCodec, codes);
      context.record({
        train: rowsWithCode(codes, splitCode.train).length,
        validation: rowsWithCode(codes, splitCode.validation).length,
        test: rowsWithCode(codes, splitCode.test).length,
      });
    },
  };
}

const leftOut = 255;
const codeOfPlace = new Map<unknown, number>([
  ["train", splitCode.train],
  ["validation", splitCode.validation],
  ["test", splitCode.test],
  [null, leftOut],
]);

async function codesOf(answer: unknown, nRows: number): Promise<Uint8Array> {
  const codes = new Uint8Array(nRows);
  let row = 0;
  for await (const place of iterated(answer)) {
    const code = codeOfPlace.get(place);
    if (code === undefined || row >= nRows) throw refused(code === undefined ? JSON.stringify(place) : "more of them");
    codes[row] = code;
    row += 1;
  }
  if (row !== nRows) throw refused(`${row} of them for ${nRows} rows`);
  return codes;
}

function iterated(answer: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  const isIterable =
    typeof answer === "object" && answer !== null && (Symbol.iterator in answer || Symbol.asyncIterator in answer);
  if (!isIterable) throw refused(`a ${typeof answer}`);
  return answer as Iterable<unknown>;
}

function refused(actual: string): MillraceError {
  const rule = '"train", "validation", "test" or null for each row, in their order,';
  return new MillraceError("STEP_OUTPUT_INVALID", { step: "split", output: "rows", rule, actual });
}

function ownGate(call: OwnCall): Body {
  return {
    name: "gate",
    inputs: ["evaluate.report", "audit.report"],
    outputs: ["outcome"],
    async run(context) {
      const answer = await call(context);
      const own = typeof answer === "boolean" ? { passed: answer, reason: `answered ${answer}` } : answer;
      if (!isVerdict(own)) {
        const rule = "true, false or { passed, reason }";
        throw new MillraceError("STEP_OUTPUT_INVALID", {
          step: "gate",
          output: "outcome",
          rule,
          actual: `a ${typeof answer}`,
        });
      }
      const report = await context.read("evaluate.report", evaluationReportCodec);
      const audit = await context.read("audit.report", auditReportCodec);
      const audited = judgeGate({
        rules: [],
        report,
        audit,
        champion: null,
        candidate: null,
        target: null,
        rng: context.rng,
      });
      const reasons = [...audited.reasons, ownReason(own)];
      const verdict = { passed: audited.passed && own.passed, reasons };
      await context.write("outcome", gateOutcomeCodec, { verdict, comparedWith: null });
      context.record({ passed: verdict.passed ? 1 : 0 });
    },
  };
}

interface OwnVerdict {
  readonly passed: boolean;
  readonly reason: string;
}

function isVerdict(answer: unknown): answer is OwnVerdict {
  if (typeof answer !== "object" || answer === null || !("passed" in answer) || !("reason" in answer)) return false;
  return typeof answer.passed === "boolean" && typeof answer.reason === "string";
}

function ownReason({ passed, reason }: OwnVerdict): GateReason {
  const text = `own gate: ${reason}`;
  return { rule: "own", metric: null, slice: null, passed, limit: null, actual: null, comparison: null, text };
}
