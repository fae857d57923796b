import type { EnsemblePredictor } from "../predictor.ts";
import { checkFinite, wrong } from "./checks.ts";

const linksOf = {
  blend: ["identity", "share"],
  stack: ["identity", "sigmoid", "softmax"],
  platt: ["share"],
  isotonic: ["share"],
} as const;

/** Checks what combines the members' answers; the members are checked as predictors of their own. */
export function checkEnsemble({ method, link, outputs, members, ...arrays }: EnsemblePredictor): void {
  if (arrays.spans.length !== 4 * members.length) wrong("predictor.spans", "are not four a member");
  const { weights, intercept, knotOffsets, knots } = arrays;
  if (!Object.hasOwn(linksOf, method)) wrong("predictor.method", "is unknown");
  if (!(linksOf[method] as readonly string[]).includes(link)) wrong("predictor.link", `does not suit ${method}`);
  const isCalibrated = method === "platt" || method === "isotonic";
  if (members.length === 0 || (isCalibrated && members.length > 1)) wrong("predictor.members", `do not suit ${method}`);
  const nWeights = { blend: members.length, stack: members.length * outputs * outputs, platt: outputs, isotonic: 0 };
  checkFinite(weights, "predictor.weights", nWeights[method]);
  checkFinite(intercept, "predictor.intercept", method === "stack" || method === "platt" ? outputs : 0);
  if (knotOffsets.length !== (method === "isotonic" ? outputs + 1 : 0))
    wrong("predictor.knotOffsets", "are not one an output");
  checkFinite(knots, "predictor.knots", knotOffsets.at(-1) ?? 0);
  if ((knotOffsets[0] ?? 0) !== 0) wrong("predictor.knotOffsets", "leave knots out");
  for (let k = 0; k + 1 < knotOffsets.length; ++k) {
    const [from, to] = [knotOffsets[k]!, knotOffsets[k + 1]!];
    if (to < from + 2 || (to - from) % 2 === 1) wrong("predictor.knotOffsets", "do not hold whole knots");
    for (let at = from + 2; at < to; at += 2)
      if (!(knots[at]! > knots[at - 2]!)) wrong("predictor.knots", "do not ascend");
  }
}
