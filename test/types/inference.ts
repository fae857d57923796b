// What is inferred, stated as types; orders, helpers, spreads and default exports.
import {
  pipeline,
  connect,
  csv,
  number,
  category,
  text,
  boolean,
  timestamp,
  boosting,
  kmeans,
  auto,
  tune,
  atLeast,
  atMost,
  beatsChampion,
  standardize,
  oneHot,
  imputeMode,
  impute,
  when,
  type ColumnsOf,
  type NumberExpr,
  type Rule,
  type RowFor,
  type OutputFor,
  type Classified,
} from "../../src/index.ts";
import type housePrices from "./housing.pipeline.ts";
type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

const schema = {
  key: text(),
  area: number({ min: 0 }),
  rooms: number({ missing: 0.1 }),
  sold: timestamp(),
  city: category(["a", "b", "c"]),
  style: category(),
  note: text({ missing: 1 }),
  flag: boolean(),
  churn: category(["yes", "no"], { missing: 0 }),
  w: number({ integer: true }),
  price: number(),
};

// default export of another file, type-only import
same<
  RowFor<typeof housePrices>,
  {
    longitude: number;
    total_rooms: number;
    households: number;
    ocean_proximity: string;
    total_bedrooms?: number | null | undefined;
  }
>(true);
same<OutputFor<typeof housePrices>, number>(true);
export const one: Promise<number> = connect<typeof housePrices>("u").predict({
  longitude: 1,
  total_rooms: 2,
  households: 3,
  ocean_proximity: "x",
});
export const many: Promise<number[]> = connect<typeof housePrices>("u").predictMany([
  { longitude: 1, total_rooms: 2, households: 3, ocean_proximity: "x", total_bedrooms: null },
]);

// task by kind of target
const binary = pipeline({
  name: "b",
  data: csv("a"),
  schema,
  target: "flag",
  model: boosting(),
  gate: [atLeast("auc", 0.8, { slice: "city" })],
});
same<OutputFor<typeof binary>, Classified<boolean>>(true);
const two = pipeline({ name: "b", data: csv("a"), schema, target: "churn", model: auto(), gate: [atLeast("f1", 0.8)] });
same<OutputFor<typeof two>, Classified<"yes" | "no">>(true);
const multi = pipeline({
  name: "b",
  data: csv("a"),
  schema,
  target: "city",
  model: boosting(),
  gate: [atLeast("macroF1", 0.8)],
  weight: "w",
});
same<OutputFor<typeof multi>["label"], "a" | "b" | "c">(true);
same<"w" extends keyof RowFor<typeof multi> ? true : false, false>(true);
const open = pipeline({
  name: "b",
  data: csv("a"),
  schema,
  target: "style",
  model: boosting(),
  gate: [atMost("logLoss", 0.8)],
});
same<OutputFor<typeof open>, Classified<string>>(true);
const clusters = pipeline({
  name: "b",
  data: csv("a"),
  schema,
  model: kmeans({ clusters: 4 }),
  gate: [atLeast("silhouette", 0.3)],
});
same<OutputFor<typeof clusters>, number>(true);
same<keyof RowFor<typeof clusters>, keyof typeof schema>(true);

// any order of options: features and prepare before schema and target
export const shuffled = pipeline({
  gate: [atLeast("r2", 0.1)],
  prepare: { per: standardize(), city: oneHot() },
  features: (c) => ({ per: c.area.div(c.rooms) }),
  model: boosting(),
  target: "price",
  schema,
  data: csv("a"),
  name: "s",
});

// helpers: plain functions over expressions, over columns, shared rules, spreads
const ratio = (a: NumberExpr, b: NumberExpr): NumberExpr => a.div(b).log();
const common = (c: ColumnsOf<typeof schema, "price">) => ({ per: ratio(c.area, c.rooms), late: c.sold.hour().gt(20) });
const rules = [atLeast("r2", 0.5), beatsChampion("rmse")];
const rulesTyped = (): Rule<"r2" | "mae">[] => [atLeast("r2", 0.5)];
const defaults = { data: csv("a"), split: { test: 0.2 } };
export const helped = pipeline({
  ...defaults,
  name: "h",
  schema: { ...schema, extra: number() },
  target: "price",
  features: (c) => ({ ...common(c), more: c.extra.log(), tier: when(c.area.gt(100), "big").else("small") }),
  prepare: { per: [impute("median"), standardize()], late: imputeMode(), tier: oneHot(), extra: "drop" },
  model: boosting(),
  gate: [...rules, ...rulesTyped(), atMost("mae", 3)],
});
export const passed = pipeline({
  ...defaults,
  name: "h",
  schema,
  target: "price",
  features: common,
  model: boosting(),
  gate: rules,
});
const perRegion = (region: string) =>
  pipeline({ name: `p-${region}`, data: csv(region), schema, target: "price", model: tune(boosting(), { trials: 3 }) });
same<OutputFor<ReturnType<typeof perRegion>>, number>(true);

// block body, no c, own step contexts
export const block = pipeline({
  ...defaults,
  name: "h",
  schema,
  target: "churn",
  features(c) {
    const x = c.area.log();
    return { x, y: x.add(1) };
  },
  prepare: { y: standardize() },
  model: boosting(),
  steps: {
    look: {
      after: "validate",
      async run({ rows, issues }) {
        for await (const r of rows) {
          const v: "yes" | "no" = r.churn;
          const m: number | null | undefined = r.rooms;
          void [v, m, issues[0]?.column];
        }
      },
    },
    tell: { after: "evaluate", run: ({ metrics }) => void metrics.auc.toFixed() },
    try: {
      after: "train",
      run: ({ predict }) =>
        void predict({ key: "k", area: 1, sold: 0, city: "a", style: "x", flag: true, w: 1, price: 1 }).probabilities
          .yes,
    },
  },
});
// columns keep their exact type although `pipeline` gives them a contextual type (the return-type-inference trap)
const inline = pipeline({
  name: "i",
  data: csv("a"),
  schema: { a: number(), b: number({ missing: 0.2 }), k: category(["x", "y"]), y: boolean() },
  target: "y",
  model: boosting(),
});
same<RowFor<typeof inline>, { a: number; k: "x" | "y"; b?: number | null | undefined }>(true);
