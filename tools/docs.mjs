// `npm run docs`: writes the pages that are made of the code: errors, estimators, the command line.
import fs from "node:fs";
import path from "node:path";
import { cliPage } from "./cli-doc.mjs";
import { errorsPage } from "./errors-doc.mjs";
import { estimatorsPage } from "./estimators-doc.mjs";
import { ensureBuilt, ensureInstalled, root } from "./setup.mjs";

ensureInstalled();
ensureBuilt();

const { catalogue } = await import("../dist/core/errors/error.js");
const { ensembles, estimatorNames, findEstimator } = await import("../dist/train/implementations.js");
const { verbGroups } = await import("../dist/cli/verbs.js");

write("errors.md", errorsPage(catalogue));
const implementations = await Promise.all(estimatorNames.map((name) => findEstimator(name)));
write("estimators.md", estimatorsPage([...implementations, ...ensembles]));
const loaded = verbGroups.map(async ({ title, verbs }) => ({
  title,
  verbs: await Promise.all(verbs.map((verb) => verb.load())),
}));
write("cli.md", cliPage(await Promise.all(loaded)));

function write(name, page) {
  fs.writeFileSync(path.join(root, "docs", name), page);
  console.log(`wrote docs/${name}`);
}
