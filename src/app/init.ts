import fs from "node:fs/promises";
import path from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { isAddress } from "../ingest/http.ts";
import { inspectSource } from "../ingest/inspect.ts";
import { scaffoldPipeline } from "./scaffold/scaffold.ts";

export interface InitOptions {
  readonly target: string | undefined;
  readonly name: string | undefined;
  readonly columns: readonly string[] | undefined;
  readonly force: boolean;
}

export interface Initialised {
  readonly name: string;
  /** Relative to the project folder. */
  readonly path: string;
  /** What a person should look at. */
  readonly notes: readonly string[];
}

/** Profiles a file, or what an address gives, and writes `pipelines/<name>.ts`. An existing file is left alone unless `force` is set. */
export async function initPipeline(root: string, file: string, options: InitOptions): Promise<Initialised> {
  const name = options.name ?? nameFrom(file);
  refuseBadName(name);
  const wanted = isAddress(file) ? file : path.resolve(process.cwd(), file);
  let target = "";
  const onColumns = (found: readonly string[]): void => void (target = targetAmong(found, options.target, wanted));
  const inspection = await inspectSource(wanted, { columns: options.columns, onColumns });
  const written = isAddress(file) ? file : path.relative(root, wanted).split(path.sep).join("/");
  const { source, notes } = scaffoldPipeline(inspection, { target, name, path: written });
  const definition = path.join(root, "pipelines", `${name}.ts`);
  await writeOnce(definition, source, options.force);
  return { name, path: path.relative(root, definition), notes };
}

/** The column to predict; throws USAGE where none was named, and COLUMN_MISSING. */
function targetAmong(found: readonly string[], target: string | undefined, file: string): string {
  if (target !== undefined && found.includes(target)) return target;
  if (target !== undefined) {
    const context = { name: target, subject: `"${file}"`, found, nearest: nearestName(target, found) };
    throw new MillraceError("COLUMN_MISSING", context);
  }
  const shown = found.slice(0, 30).map((column) => JSON.stringify(column));
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : "";
  const help = `The file has the columns ${shown.join(", ")}${more}.`;
  throw new MillraceError("USAGE", { reason: "init needs --target COLUMN: what is to be predicted", help });
}

/** A pipeline name out of a file name: "Adult Income.csv" -> "adult-income". */
function nameFrom(file: string): string {
  const stem = path.basename(file).replace(/(\.(csv|tsv|txt|parquet|jsonl|ndjson|json|gz|zst))+$/i, "");
  const name = stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
  return name === "" ? "pipeline" : name;
}

/** The rule `pipeline()` has for names; it also keeps the file inside pipelines/. */
function refuseBadName(name: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: "--name",
    rule: 'must be 1 to 63 small letters, digits and "-", a letter or a digit first',
    actual: JSON.stringify(name),
    remedy: "Give a name such as house-prices.",
  });
}

async function writeOnce(target: string, source: string, force: boolean): Promise<void> {
  const unwritable = (place: string, error: unknown): MillraceError => {
    const reason = String((error as NodeJS.ErrnoException).code ?? error);
    return new MillraceError("STORE_UNWRITABLE", { path: place, reason }, { cause: error });
  };
  const folder = path.dirname(target);
  await fs.mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw unwritable(folder, error);
  });
  try {
    await fs.writeFile(target, source, { flag: force ? "w" : "wx" });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST")
      throw new MillraceError("USAGE", {
        reason: `${target} exists already`,
        help: "Choose another --name, or overwrite it with --force.",
      });
    throw unwritable(target, error);
  }
}
