import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Privacy } from "../frame/privacy.ts";
import { layoutOf } from "./apply.ts";
import { checkParts } from "./file/check-parts.ts";
import { checkPredictor } from "./file/check-predictor.ts";
import {
  claimedVersion,
  decodeContainer,
  encodeContainer,
  foreignReason,
  type NumericArray,
} from "./file/container.ts";
import { fromJsonText, sortedMembers, toJsonText } from "./file/json-text.ts";
import { partsOfPredictor, predictorFromParts } from "./file/predictor-parts.ts";
import type { Model, ParityRows } from "./model.ts";
import { parityPieces } from "./parity.ts";

/** The newest format this release reads. */
export const modelFormat = 9;

/**
 * The format a model needs: 9 has rankings, 8 anomaly scores, 7 ensembles, neighbors and trees summed in float32, 6 networks,
 * 5 columns that are cleaned, or hashed under a key of their own name, 4 columns of which less is kept than comes and numbers
 * held within fences, 3 naive Bayes, 2 the links "log" and "share"; all else is written as 1, as it always was.
 */
function formatOf({
  task,
  contract,
  features,
  predictor,
}: Pick<Model, "task" | "contract" | "features" | "predictor">): number {
  const { kind, link } = predictor;
  if (task === "ranking") return 9;
  if (task === "anomaly") return 8;
  if (kind === "ensemble" || kind === "neighbors" || (kind === "trees" && predictor.sums !== undefined)) return 7;
  if (kind === "network") return 6;
  if (contract.columns.some(({ clean, privacy }) => clean !== undefined || isOwnKey(privacy))) return 5;
  if (contract.columns.some(({ privacy }) => privacy !== undefined)) return 4;
  if (features.some(({ steps }) => steps.some((step) => step.kind === "clip"))) return 4;
  if (kind === "bayes") return 3;
  return link === "log" || link === "share" ? 2 : 1;
}

function isOwnKey(privacy: Privacy | undefined): boolean {
  return typeof privacy === "object" && "hash" in privacy;
}

/** Parts of the model that are texts of the file as they are; each knows its own object keys. */
const plainParts = [
  "name",
  "task",
  "contract",
  "roles",
  "inputs",
  "expressions",
  "features",
  "labels",
  "threshold",
  "reference",
] as const;

export interface DecodeOptions {
  /** Whether to predict the parity rows and compare (default true). */
  readonly checkParity?: boolean;
  /** Whether to compare the digests within (default true); no need where the bytes were held against a digest of them all. */
  readonly checkDigests?: boolean;
  /** What messages call the file (default "the file"). */
  readonly subject?: string;
}

/** A model as the bytes of a safetensors file: JSON in the header, numbers in arrays, a digest of each. Equal models give equal bytes. */
export function encodeModel(model: Model): Uint8Array {
  const { predictor, parity, provenance } = model;
  const texts = new Map<string, string>(plainParts.map((part) => [part, toJsonText(model[part])]));
  const own = partsOfPredictor(predictor);
  const arrays = new Map<string, NumericArray>();
  for (const [path, array] of own.arrays) arrays.set(`predictor.${path}`, array);
  texts.set("predictor", toJsonText(own.scalars));
  texts.set("parity", toJsonText(parity && cellsOf(model.inputs, parity)));
  if (parity) arrays.set("parity.outputs", parity.outputs);
  texts.set(
    "provenance",
    JSON.stringify(provenance, (_, member: unknown) => sortedMembers(member)),
  );
  return encodeContainer({ formatVersion: formatOf(model), texts, arrays });
}

/**
 * Reads a model file. Nothing in it is ever run as code. Refuses with MODEL_FILE_FOREIGN what is no Millrace model, with
 * MODEL_FORMAT_TOO_NEW a newer format, with MODEL_FILE_DAMAGED any file that is not whole in every byte or not sound,
 * and with MODEL_PARITY_BROKEN a model that no longer predicts its parity rows.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  const pieces = decodeInPieces(bytes, options);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

/**
 * What `decodeModel` does, piece by piece, for a process that has requests to answer meanwhile. The pieces of a model of some
 * megabytes take a millisecond or so each.
 */
export function* decodeInPieces(bytes: Uint8Array, options: DecodeOptions = {}): Pieces<Model> {
  const { checkParity: wantsParity = true, checkDigests = true, subject = "the file" } = options;
  const reason = foreignReason(bytes);
  if (reason !== undefined) throw new MillraceError("MODEL_FILE_FOREIGN", { subject, reason });
  const version = claimedVersion(bytes);
  if (version !== undefined && version > modelFormat)
    throw new MillraceError("MODEL_FORMAT_TOO_NEW", { format: version, known: modelFormat });
  const model = yield* orDamaged(subject, readModel(bytes, checkDigests));
  if (wantsParity) yield* parityPieces(model);
  return model;
}

function* orDamaged<T>(subject: string, pieces: Pieces<T>): Pieces<T> {
  try {
    return yield* pieces;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isMillraceError(error) && error.code !== "DEFINITION_INVALID") throw error;
    throw new MillraceError("MODEL_FILE_DAMAGED", { subject, reason }, { cause: error });
  }
}

/** A part of the work that has requests answered in between, where they come first. */
type Pieces<T> = Generator<undefined, T, undefined>;

function* readModel(bytes: Uint8Array, checkDigests: boolean): Pieces<Model> {
  const { formatVersion, texts, arrays } = yield* decodeContainer(bytes, checkDigests);
  if (formatVersion < 1 || formatVersion > modelFormat) throw new RangeError(`there is no format ${formatVersion}`);
  const partOf = (part: string): unknown => fromJsonText(textOf(texts, part));
  const plain: Record<string, unknown> = {};
  for (const part of plainParts) {
    plain[part] = partOf(part);
    yield;
  }
  const provenance = JSON.parse(textOf(texts, "provenance")) as JsonObject;
  const parts = { ...plain, provenance } as unknown as Omit<Model, "predictor" | "parity">;
  checkParts(parts);
  yield;
  const unread = new Map<string, NumericArray>();
  for (const [name, array] of arrays)
    if (name.startsWith("predictor.")) unread.set(name.slice("predictor.".length), array);
  const nOthers = arrays.size - unread.size;
  const predictor = predictorFromParts(partOf("predictor"), unread);
  if (formatVersion !== formatOf({ ...parts, predictor }))
    throw new RangeError(`its parts are not of format ${formatVersion}`);
  const parity = parityOf(parts.inputs, partOf("parity"), arrays);
  if (unread.size > 0 || nOthers !== (parity ? 1 : 0) || texts.size !== plainParts.length + 3)
    throw new RangeError("it holds parts unknown to its format");
  const model: Model = Object.freeze({ ...parts, predictor, parity });
  const layout = layoutOf(model.features);
  yield;
  yield* checkPredictor(model, layout);
  return model;
}

function textOf(texts: ReadonlyMap<string, string>, part: string): string {
  const text = texts.get(part);
  if (text === undefined) throw new RangeError(`the part "${part}" is absent`);
  return text;
}

/** Parity rows without their keys, which come from outside: one list of cells a row, in the order of the inputs. */
function cellsOf(inputs: readonly string[], { rows }: ParityRows): JsonValue[][] {
  return rows.map((row) => inputs.map((input) => (Object.hasOwn(row, input) ? (row[input] ?? null) : null)));
}

function parityOf(
  inputs: readonly string[],
  cells: unknown,
  arrays: ReadonlyMap<string, NumericArray>,
): ParityRows | null {
  if (cells === null) return null;
  const outputs = arrays.get("parity.outputs");
  if (!Array.isArray(cells) || !(outputs instanceof Float64Array)) throw new RangeError("parity rows have no outputs");
  const rows = cells.map((row: unknown) => {
    if (!Array.isArray(row) || row.length !== inputs.length)
      throw new RangeError("a parity row is not one cell an input");
    return Object.fromEntries(inputs.map((input, i) => [input, row[i] as JsonValue]));
  });
  return Object.freeze({ rows, outputs });
}
