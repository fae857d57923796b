import type { EnsemblePredictor, Predictor } from "../predictor.ts";
import type { NumericArray } from "./container.ts";

type ArrayType = Float64ArrayConstructor | Int32ArrayConstructor | Uint32ArrayConstructor | Uint8ArrayConstructor;

/** What each kind of predictor keeps in arrays, by member. */
const arraysOf: { readonly [K in Predictor["kind"]]: Readonly<Record<string, ArrayType>> } = {
  trees: {
    base: Float64Array,
    treeOffsets: Uint32Array,
    treeOutput: Uint32Array,
    feature: Int32Array,
    threshold: Float64Array,
    missingLeft: Uint8Array,
    categoryOffset: Int32Array,
    left: Int32Array,
    right: Int32Array,
    value: Float64Array,
    gain: Float64Array,
    cover: Float64Array,
    categorySets: Uint32Array,
  },
  linear: { coefficients: Float64Array, intercept: Float64Array },
  clusters: { centres: Float64Array },
  bayes: { intercept: Float64Array, means: Float64Array, precisions: Float64Array, coefficients: Float64Array },
  network: {
    units: Uint32Array,
    tableColumns: Uint32Array,
    tableWidths: Uint32Array,
    embeddings: Float64Array,
    weights: Float64Array,
    biases: Float64Array,
  },
  neighbors: {
    points: Float64Array,
    offsets: Uint32Array,
    indices: Uint32Array,
    entries: Float64Array,
    values: Float64Array,
    weights: Float64Array,
  },
  ensemble: {
    spans: Uint32Array,
    weights: Float64Array,
    intercept: Float64Array,
    knotOffsets: Uint32Array,
    knots: Float64Array,
  },
};

/** Members of each kind beside its link, outputs, arrays and an ensemble's own members. */
const scalarsOf: Readonly<Record<Predictor["kind"], readonly string[]>> = {
  trees: ["sums"],
  linear: ["nDense", "nSparse"],
  clusters: ["nDense", "nSparse"],
  bayes: ["nDense", "nSparse"],
  network: ["nDense", "nSparse", "activation"],
  neighbors: ["nDense", "nSparse", "neighbors", "weighting"],
  ensemble: ["method"],
};

/** A predictor as JSON and arrays by path: "threshold", or "members.0.threshold" of an ensemble's first member. */
export interface PredictorParts {
  readonly scalars: object;
  readonly arrays: ReadonlyMap<string, NumericArray>;
}

export function partsOfPredictor(predictor: Predictor): PredictorParts {
  const scalars = new Map(Object.entries(predictor) as [string, unknown][]);
  const arrays = new Map<string, NumericArray>();
  for (const member of Object.keys(arraysOf[predictor.kind])) {
    arrays.set(member, scalars.get(member) as NumericArray);
    scalars.delete(member);
  }
  if (predictor.kind === "ensemble") {
    const parts = predictor.members.map(partsOfPredictor);
    scalars.set(
      "members",
      parts.map((part) => part.scalars),
    );
    parts.forEach((part, m) => part.arrays.forEach((array, path) => arrays.set(`members.${m}.${path}`, array)));
  }
  return { scalars: Object.fromEntries(scalars), arrays };
}

/**
 * The predictor of its parts; takes the arrays it reads out of `arrays`. Throws RangeError where a part is absent, of another
 * type or unknown. Ensembles hold no ensembles.
 */
export function predictorFromParts(scalars: unknown, arrays: Map<string, NumericArray>, path = ""): Predictor {
  const at = `predictor.${path}`;
  const isMembers = typeof scalars === "object" && scalars !== null;
  const { kind, link, outputs, members, ...others } = (isMembers ? scalars : {}) as Record<string, unknown>;
  if (typeof kind !== "string" || !isKind(kind)) throw new RangeError(`${at}kind is unknown`);
  const isEnsemble = kind === "ensemble";
  if (!Object.keys(others).every((member) => scalarsOf[kind].includes(member)) || Array.isArray(members) !== isEnsemble)
    throw new RangeError(`${at || "predictor"} has members unknown to its format`);
  if (isEnsemble && path !== "") throw new RangeError(`${at}kind is an ensemble within one`);
  const own = Object.entries(arraysOf[kind]).map(([member, type]) => {
    const array = arrays.get(`${path}${member}`);
    if (!(array instanceof type)) throw new RangeError(`${at}${member} is not ${type.name}`);
    arrays.delete(`${path}${member}`);
    return [member, array] as const;
  });
  const whole = { kind, link, outputs, ...others, ...Object.fromEntries(own) };
  if (!isEnsemble) return Object.freeze(whole) as unknown as Predictor;
  const read = (members as unknown[]).map((member, m) => predictorFromParts(member, arrays, `members.${m}.`));
  return Object.freeze({ ...whole, members: Object.freeze(read) }) as unknown as EnsemblePredictor;
}

function isKind(kind: string): kind is Predictor["kind"] {
  return Object.hasOwn(scalarsOf, kind);
}
