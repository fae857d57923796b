import fs from "node:fs/promises";
import { MillraceError } from "../core/errors/error.ts";
import { declarationText } from "../export/module/declaration.ts";
import { functionsOfFirstAnswer, urlOfText, withFunctionsReady } from "../export/module/first-answer.ts";
import { type ModuleParts, partsOf } from "../export/module/parts.ts";
import type { ModelModule } from "../export/module/runtime.ts";
import { moduleText } from "../export/module/text.ts";
import { withoutRules } from "../frame/contract.ts";
import type { Model } from "../model/model.ts";
import { answersOf, predictRows } from "../model/predict.ts";
import { loadVersion } from "./champion.ts";
import type { Project } from "./project.ts";
import { writeWhole } from "./write-whole.ts";

/** What `millrace export module` wrote. */
export interface ExportedModule {
  readonly model: string;
  readonly version: number;
  readonly file: string;
  readonly types: string;
  /** Bytes of the module, and of them its code. */
  readonly bytes: number;
  readonly runtimeBytes: number;
}

/** The text an exported module begins with; the build makes it. */
function runtimeFileOf({ predictor }: Model): URL {
  const name = predictor.kind === "trees" ? "runtime-trees" : "runtime";
  return new URL(`../export/module/${name}.bundle.js`, import.meta.url);
}

/**
 * Writes a model (the champion, or a version) as one ES module with its types beside it, after the module has answered
 * the model's parity rows as the model does. Throws USAGE where the file is not called .mjs or .js.
 */
export async function exportModule(
  project: Project,
  name: string,
  wanted: number | undefined,
  out: string,
): Promise<ExportedModule> {
  const [, stem, ending] = /^(.+)\.(mjs|js)$/.exec(out) ?? [];
  if (stem === undefined)
    throw new MillraceError("USAGE", { reason: `a module is called *.mjs or *.js, got "${out}"` });
  const { model, version } = await loadVersion(project, name, wanted);
  const partsFrom = (written: Model): ModuleParts => partsOf(written, version.version, version.digest);
  const trial = partsFrom(lenient(model));
  const trialText = (code: string): string => moduleText(code, name, trial);
  const code = await codeFor(model, trialText);
  await requireParity(model, trialText(code));
  const text = moduleText(code, name, partsFrom(model));
  const types = `${stem}.d.${ending === "mjs" ? "mts" : "ts"}`;
  await writeWhole(out, text);
  await writeWhole(types, declarationText(model));
  const sizes = { bytes: Buffer.byteLength(text), runtimeBytes: Buffer.byteLength(code) };
  return { model: name, version: version.version, file: out, types, ...sizes };
}

/** The code of the modules of such models, made to give this one's first answer soon. */
async function codeFor(model: Model, trialText: (code: string) => string): Promise<string> {
  const code = (await fs.readFile(runtimeFileOf(model), "utf8")).trim();
  const text = trialText(code);
  const run = await functionsOfFirstAnswer(text, model.parity?.rows[0] ?? {});
  const offset = text.indexOf(code);
  return withFunctionsReady(
    code,
    run.map(({ start, end }) => ({ start: start - offset, end: end - offset })),
  );
}

/** The model under a contract that refuses no row: parity rows leave out what tells who somebody is. */
function lenient(model: Model): Model {
  return { ...model, contract: { columns: model.contract.columns.map(withoutRules) } };
}

/** Throws MODEL_PARITY_BROKEN where a module does not answer the model's parity rows as the model does. */
async function requireParity(model: Model, text: string): Promise<void> {
  const { predictMany } = (await import(urlOfText(text))) as ModelModule;
  const rows = model.parity?.rows ?? [];
  const expected = answersOf(model, predictRows(model, rows).predictions);
  for (const [row, answer] of predictMany(rows).entries()) {
    const [wanted, got] = [JSON.stringify(expected[row]), JSON.stringify(answer)];
    if (wanted !== got) throw new MillraceError("MODEL_PARITY_BROKEN", { row, expected: wanted, actual: got });
  }
}
