// Runs the pipeline and asserts what its README says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

const millrace = (...args) => JSON.parse(execFileSync("npx", ["millrace", ...args, "--json"], { encoding: "utf8" }));

const run = millrace("run", "spam");
assert.equal(run.status, "succeeded");
assert.equal(run.verdict.passed, true);
assert.ok(run.report.metrics.f1 >= 0.95, `f1 is ${run.report.metrics.f1}`);

const mail = {
  id: "new",
  text: "Congratulations! Click here to claim your FREE money, no obligation, unsubscribe below",
};
const { prediction } = millrace("predict", "spam", "--row", JSON.stringify(mail));
assert.equal(prediction.label, "spam");
console.log(
  `spam: f1 ${run.report.metrics.f1.toFixed(3)}, the sample is ${prediction.label} with ${prediction.probabilities.spam.toFixed(3)}`,
);
