// docs/errors.md from the catalogue itself: `npm run docs` writes it (and docs/estimators.md), a test keeps it equal.
import fs from "node:fs";
import path from "node:path";
import { estimatorsPage } from "./estimators-doc.mjs";
import { ensureBuilt, ensureInstalled, root } from "./setup.mjs";

/** A context whose every member shows its own name: a list of one text, so that text and list both read well. */
function sampleContext() {
  return new Proxy({}, { get: (_, name) => [`<${String(name)}>`] });
}

/** The page: one row a code, with the message and the remedy as templates. */
export function errorsPage(catalogue) {
  const cell = (text) =>
    String(text)
      .replaceAll(/\["(<\w+>)"\]/g, '"$1"')
      .replaceAll("|", "\\|")
      .replaceAll("<", "&lt;");
  const rows = Object.entries(catalogue).map(([code, entry]) => {
    const message = cell(entry.message(sampleContext()));
    const remedy = cell(entry.remedy(sampleContext()));
    return `| \`${code}\` | ${entry.status} | ${entry.exit} | ${message} | ${remedy} |`;
  });
  return [
    "# Errors",
    "",
    "Every error has a code that is never reused, a sentence with subject, rule and actual value, and a remedy. The command line",
    "prints them and exits with the code shown; the server answers them as `application/problem+json` with the HTTP status",
    "shown. Expected outcomes are no errors: a failed gate exits 3, drift exits 4.",
    "",
    "| code | HTTP | exit | message | remedy |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) {
  ensureInstalled();
  ensureBuilt();
  const { catalogue } = await import("../dist/core/errors/error.js");
  fs.writeFileSync(path.join(root, "docs", "errors.md"), errorsPage(catalogue));
  const { ensembles, estimatorNames, findEstimator } = await import("../dist/train/implementations.js");
  const implementations = await Promise.all(estimatorNames.map((name) => findEstimator(name)));
  fs.writeFileSync(path.join(root, "docs", "estimators.md"), estimatorsPage([...implementations, ...ensembles]));
  console.log("wrote docs/errors.md and docs/estimators.md");
}
