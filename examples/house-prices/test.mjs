// Runs the pipeline and asserts what its README says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

const millrace = (...args) => JSON.parse(execFileSync("npx", ["millrace", ...args, "--json"], { encoding: "utf8" }));

const run = millrace("run", "house-prices");
assert.equal(run.status, "succeeded");
assert.equal(run.verdict.passed, true);
assert.ok(run.report.metrics.r2 >= 0.75, `r2 is ${run.report.metrics.r2}`);
assert.ok(run.report.metrics.rmse < run.report.baseline.rmse / 2, "the model halves the baseline's error");
assert.ok(!run.importance.some((entry) => entry.feature === "b"), "the sensitive column is no feature");

const tract = {
  crim: 0.03,
  zn: 0,
  indus: 7,
  chas: 0,
  nox: 0.47,
  rm: 6.4,
  age: 79,
  dis: 4.9,
  rad: 2,
  tax: 242,
  ptratio: 17.8,
  b: "high",
  lstat: 9.1,
};
const { prediction } = millrace("predict", "house-prices", "--row", JSON.stringify(tract));
assert.ok(prediction > 15 && prediction < 35, `predicts ${prediction}`);
console.log(
  `house-prices: r2 ${run.report.metrics.r2.toFixed(3)}, prediction ${prediction.toFixed(1)} thousand dollars`,
);
