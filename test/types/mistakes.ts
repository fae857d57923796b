// Planted mistakes. Each is caught on the line below its comment, and nowhere else; each has a corrected twin.
import { pipeline, connect, csv, postgres, mysql, stream, rows, number, category, text, boolean, timestamp, boosting, forest, tree, isolationForest, kmeans, linear, naiveBayes, blend, calibrated, stack, auto, tune, between, atLeast, atMost, beatsChampion, standardize, tfidf, oneHot, targetEncode,
  cyclic, warmStart, when, type Rule } from "../../src/index.ts";
const schema = { key: text(), area: number({ min: 0 }), rooms: number({ missing: 0.1 }), sold: timestamp(), city: category(["a", "b", "c"]), note: text({ missing: 1 }), flag: boolean(), w: number(), price: number() };
const plain = { a: number(), b: number(), t: text() };
const name = "p", data = csv("a.csv"), model = boosting();
const house = pipeline({ name, data, schema, target: "price", weight: "w", model });
const client = connect<typeof house>("http://127.0.0.1:4000");
const row = { key: "k", area: 1, sold: 0, city: "a", flag: true } as const;

//// 1 target that is no column: nothing else in the literal may complain
pipeline({ name, data, schema, model, features: (c) => ({ per: c.area.div(c.price) }), prepare: { per: standardize(), city: oneHot() }, gate: [atLeast("r2", 0.5)], split: { by: "target" },
  // @ts-expect-error
  target: "pric" });
pipeline({ name, data, schema, model, target: "price" });
//// 2 text as target
pipeline({ name, data, schema, model,
  // @ts-expect-error
  target: "note" });
pipeline({ name, data, schema, model, target: "flag" });
//// 3 the target inside features
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.price.log() }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.area.log() }) });
//// 4 a column that does not exist, with the right name suggested
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.aera.log() }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.area.sqrt() }) });
//// 5 arithmetic on text
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.note.log() }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.note.length().log() }) });
//// 6 number divided by text
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.area.div(c.note) }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.area.div(c.note.words()) }) });
//// 7 an unknown level
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.city.in(["a", "z"]) }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.city.in(["a", "b"]) }) });
//// 8 hour of a number
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.area.hour() }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.sold.hour() }) });
//// 9 a condition that is not boolean
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: when(c.area, 1).else(2) }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: when(c.area.gt(3), 1).else(2) }) });
//// 10 branches of two kinds
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: when(c.flag, c.area).else("none") }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: when(c.flag, c.area).else(0) }) });
//// 11 a feature that is a plain value
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ y: c.area.log(),
  // @ts-expect-error
  x: 3 }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ y: c.area.log(), x: c.area.add(3) }) });
//// 12 a feature that takes the name of a column
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  area: c.area.log() }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ log_area: c.area.log() }) });
//// 13 the weight column as a feature
pipeline({ name, data, schema, model, target: "price", weight: "w", features: (c) => ({
  // @ts-expect-error
  x: c.w.log() }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.w.log() }) });
//// 14 time that is no timestamp
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  time: "area" });
pipeline({ name, data, schema, model, target: "price", time: "sold" });
//// 15 time where the schema has no timestamp at all
pipeline({ name, data, schema: plain, model, target: "a",
  // @ts-expect-error
  time: "b" });
pipeline({ name, data, schema: { ...plain, at: timestamp() }, model, target: "a", time: "at" });
//// 16 weight that is no number
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  weight: "city" });
pipeline({ name, data, schema, model, target: "price", weight: "area" });
//// 17 weight equal to the target
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  weight: "price" });
pipeline({ name, data, schema, model, target: "area", weight: "price" });
//// 18 sensitive attribute of a wrong kind
pipeline({ name, data, schema, model, target: "price", sensitive: ["city",
  // @ts-expect-error
  "area"] });
pipeline({ name, data, schema, model, target: "price", sensitive: ["city", "flag"] });
//// 19 group that is no column
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  group: "cty" });
pipeline({ name, data, schema, model, target: "price", group: "city" });
//// 20 id of a wrong kind
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  id: "flag" });
pipeline({ name, data, schema, model, target: "price", id: "key" });
//// 21 prepare names no column
pipeline({ name, data, schema, model, target: "price", prepare: {
  // @ts-expect-error
  aera: standardize() } });
pipeline({ name, data, schema, model, target: "price", prepare: { area: standardize() } });
//// 22 prepare names no feature
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ per: c.area.div(c.rooms) }), prepare: {
  // @ts-expect-error
  pre: standardize() } });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ per: c.area.div(c.rooms) }), prepare: { per: standardize() } });
//// 23 transform of another kind on a column
pipeline({ name, data, schema, model, target: "price", prepare: { note: tfidf(),
  // @ts-expect-error
  city: tfidf() } });
pipeline({ name, data, schema, model, target: "price", prepare: { note: tfidf(), city: [targetEncode()], sold: cyclic("day") } });
//// 24 transform of another kind on a derived feature
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ hour: c.sold.hour() }), prepare: {
  // @ts-expect-error
  hour: oneHot() } });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ late: c.sold.hour().gt(20) }), prepare: { late: oneHot() } });
//// 25 prepare the target
pipeline({ name, data, schema, model, target: "price", prepare: {
  // @ts-expect-error
  price: standardize() } });
pipeline({ name, data, schema, model, target: "price", prepare: { w: standardize() } });
//// 26 clustering estimator for a target
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: kmeans() });
pipeline({ name, data, schema, model: kmeans() });
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: isolationForest() });
pipeline({ name, data, schema, model: isolationForest({ trees: 10 }) });
//// 27 supervised estimator without a target
pipeline({ name, data, schema,
  // @ts-expect-error
  model: tune(boosting(), { trials: 9 }) });
pipeline({ name, data, schema, model: auto({ budget: "2m" }) });
//// 28 tuning a hyperparameter the estimator does not have
pipeline({ name, data, schema, target: "price", model: tune(linear(), { space: {
  // @ts-expect-error
  depth: between(2, 9) } }) });
pipeline({ name, data, schema, target: "price", model: tune(boosting(), { space: { depth: between(2, 9) } }) });
//// 29 a range for a hyperparameter of names
pipeline({ name, data, schema, target: "price", model: tune(boosting(), { space: {
  // @ts-expect-error
  growth: between(0, 1) } }) });
pipeline({ name, data, schema, target: "price", model: tune(boosting(), { space: { growth: ["leafwise"] } }) });
//// 30 a misspelt hyperparameter
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: boosting({ learningrate: 0.1 }) });
pipeline({ name, data, schema, target: "price", model: boosting({ learningRate: 0.1 }) });
//// 31 a metric of another task (and a derived feature in prepare, which stays quiet)
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ per: c.area.log() }), prepare: { per: standardize() }, gate: [atLeast("r2", 0.5),
  // @ts-expect-error
  atLeast("auc", 0.8)] });
pipeline({ name, data, schema, model, target: "flag", gate: [atLeast("auc", 0.8)] });
//// 31b a ranking without a group to rank the rows of, and its metrics for numbers that are not ranked
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: boosting({ loss: "lambdarank" }) });
pipeline({ name, data, schema, model, target: "price", gate: [
  // @ts-expect-error
  atLeast("ndcg", 0.5)] });
pipeline({ name, data, schema, target: "price", group: "city", model: boosting({ loss: "lambdarank" }), gate: [atLeast("ndcg", 0.5)] });
//// 32 a floor under a metric that should be low
pipeline({ name, data, schema, model, target: "price", gate: [
  // @ts-expect-error
  atLeast("rmse", 3)] });
pipeline({ name, data, schema, model, target: "price", gate: [atMost("rmse", 3)] });
//// 33 a misspelt metric
pipeline({ name, data, schema, model, target: "city", gate: [
  // @ts-expect-error
  beatsChampion("macrof1")] });
pipeline({ name, data, schema, model, target: "city", gate: [beatsChampion("macroF1")] });
//// 34 a slice that is no column
pipeline({ name, data, schema, model, target: "price", gate: [
  // @ts-expect-error
  atLeast("r2", 0.5, { slice: "cty" })] });
pipeline({ name, data, schema, model, target: "price", gate: [atLeast("r2", 0.5, { slice: "city" })] });
//// 35 rules of another task, shared through a constant
const shared: Rule<"auc" | "f1">[] = [atLeast("auc", 0.8), beatsChampion("f1")];
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  gate: shared });
pipeline({ name, data, schema, model, target: "flag", gate: shared });
//// 36 split by time without a time column
pipeline({ name, data, schema, model, target: "price", split: {
  // @ts-expect-error
  by: "time" } });
pipeline({ name, data, schema, model, target: "price", time: "sold", split: { by: "time" } });
//// 37 an option pipeline() does not have
pipeline({ name, data, schema, model, target: "price",
  // @ts-expect-error
  gates: [] });
pipeline({ name, data, schema, model, target: "price", gate: [] });
//// 38 a misspelt column option
pipeline({ name, data, model, target: "y", schema: { y: number(), x: number({
  // @ts-expect-error
  mim: 0 }) } });
pipeline({ name, data, model, target: "y", schema: { y: number(), x: number({ min: 0 }) } });
//// 39 own step after a step that does not exist
pipeline({ name, data, schema, model, target: "price", steps: { tell: {
  // @ts-expect-error
  after: "evalute", run() {} } } });
pipeline({ name, data, schema, model, target: "price", steps: { tell: { after: "evaluate", run() {} } } });
//// 40 own step reads a metric of another task
pipeline({ name, data, schema, model, target: "price", steps: { tell: { after: "evaluate", run: ({ metrics }) => {
  // @ts-expect-error
  metrics.auc.toFixed(); } } } });
pipeline({ name, data, schema, model, target: "price", steps: { tell: { after: "evaluate", run: ({ metrics }) => { metrics.r2.toFixed(); } } } });
//// 41 a required option left out
// @ts-expect-error
pipeline({ name, data, schema, target: "price" });
pipeline({ name, data, schema, target: "price", model: auto() });
//// 42 a request without a required field
// @ts-expect-error
void client.predict({ key: "k", area: 1, sold: 0, city: "a" });
void client.predict({ ...row, note: null, rooms: 3 });
//// 43 a request with an unknown level
void client.predict({ key: "k", area: 1, sold: 0, flag: true,
  // @ts-expect-error
  city: "z" });
void client.predictMany([row, row]);
//// 44 a request with a misspelt optional field
void client.predict({ key: "k", area: 1, sold: 0, flag: true, city: "a",
  // @ts-expect-error
  romos: 2 });
void client.predict({ ...row, rooms: 2 });
//// 45 a wrong type inside a list of rows
void client.predictMany([row, { key: "k", sold: 0, flag: true, city: "a",
  // @ts-expect-error
  area: "12" }]);
void client.predictMany([row, { key: "k", sold: 0, flag: true, city: "a", area: 12 }]);
//// 46 null in a column that may not be missing
void client.predict({ key: "k", sold: 0, flag: true, city: "a",
  // @ts-expect-error
  area: null });
void client.predict({ ...row, rooms: null });
//// 47 output read as another task
void client.predict(row).then((price) => {
  // @ts-expect-error
  price.label; });
void client.predict(row).then((price) => { price.toFixed(); });
//// 48 an accepted audit finding of a column that does not exist
pipeline({ name, data, schema, model, target: "price", allow: ["key",
  // @ts-expect-error
  "kye"] });
pipeline({ name, data, schema, model, target: "price", allow: ["key", { column: "area", reason: "measured before" }] });
//// 49 a misspelt option of a nested object
pipeline({ name, data, schema, model, target: "price", retrain: { cron: "0 3 * * *",
  // @ts-expect-error
  timezone: "UTC" } });
pipeline({ name, data, schema, model, target: "price", retrain: { cron: "0 3 * * *", timeZone: "UTC" } });
//// 50 a duration without its unit
pipeline({ name, data, schema, model, target: "price", monitor: {
  // @ts-expect-error
  every: "10" } });
pipeline({ name, data, schema, model, target: "price", monitor: { every: "10m" } });
//// 51 a sum of a number and a time
pipeline({ name, data, schema, model, target: "price", features: (c) => ({
  // @ts-expect-error
  x: c.area.add(c.sold) }) });
pipeline({ name, data, schema, model, target: "price", features: (c) => ({ x: c.area.add(c.sold.dayOfYear()).floor() }) });
//// 52 a check that is a number
pipeline({ name, data, schema, model, target: "price", checks: (c) => ({
  // @ts-expect-error
  x: c.price.sub(c.area) }) });
pipeline({ name, data, schema, model, target: "price", checks: (c) => ({ x: c.price.ge(c.area), y: { holds: c.flag, onViolation: "warn" } }) });
//// 53 an expectation that is none
pipeline({ name, data, schema, model, target: "price", expect: {
  // @ts-expect-error
  rows: 3 } });
pipeline({ name, data, schema, model, target: "price", expect: { minRows: 3, newest: "2d" } });
//// 54 a hyperparameter that this estimator does not have
pipeline({ name, data, schema, target: "price", model: tree({
  // @ts-expect-error
  trees: 5 }) });
pipeline({ name, data, schema, target: "price", model: forest({ trees: 5 }) });
//// 55 a loss there is not
pipeline({ name, data, schema, target: "price", model: boosting({
  // @ts-expect-error
  loss: "mae" }) });
pipeline({ name, data, schema, target: "price", model: boosting({ loss: "absolute", increasing: ["area"] }) });
//// 56 what an explanation does not hold
// @ts-expect-error
client.explain(row).then(({ explanation }) => explanation.weights);
client.explain(row).then(({ prediction, explanation }) => prediction * explanation.score);
//// 57 the case of a number
pipeline({ name, data, schema, model, target: "price", clean: { columns: { area: {
  // @ts-expect-error
  case: "lower" } } } });
pipeline({ name, data, schema, model, target: "price", clean: { duplicates: { by: "key" }, columns: { note: { case: "lower" }, area: { outliers: 3 } } } });
//// 58 a table and a query of a database
// @ts-expect-error
postgres({ url: { env: "DATABASE_URL" }, table: "orders", query: "select 1" });
postgres({ url: { env: "DATABASE_URL" }, query: "select 1" });
//// 59 two ways to tell what is new
// @ts-expect-error
mysql({ url: { env: "DATABASE_URL" }, table: "orders", version: "select max(id) from orders", since: "id" });
mysql({ url: { env: "DATABASE_URL" }, table: "orders", since: "id" });
//// 60 two streams at once
// @ts-expect-error
stream({ nats: { url: "nats://host:4222", stream: "s", consumer: "c" }, kafka: { brokers: ["host:9092"], topic: "t", group: "g" } });
stream({ nats: { url: "nats://host:4222", stream: "s", consumer: "c" } });
//// 61 a value no column can hold
// @ts-expect-error
rows(async function* () { yield { id: 1, tags: ["a"] }; });
rows(async function* () { yield [{ id: 1, tags: "a" }]; });
//// 62 values far out that are to be thrown away
pipeline({ name, data, schema, model, target: "price", clean: { columns: { area: {
  // @ts-expect-error
  outliers: "drop" } } } });
pipeline({ name, data, schema, model, target: "price", clean: { columns: { area: { outliers: { policy: "warn", quantiles: [0.01, 0.99] } } } } });
//// 63 a unit without how much it is
pipeline({ name, data, schema, model, target: "price", clean: { columns: { area: { units: {
  // @ts-expect-error
  acre: "4047" } } } } });
pipeline({ name, data, schema, model, target: "price", clean: { columns: { area: { units: { acre: 4047 } }, sold: { dates: ["DD.MM.YYYY", "ISO"] } } } });
//// 64 the way dates of a number are written
pipeline({ name, data, schema, model, target: "price", clean: { columns: { area: {
  // @ts-expect-error
  dates: "DD.MM.YYYY" } } } });
pipeline({ name, data, schema, model, target: "price", clean: { columns: { sold: { dates: "DD.MM.YYYY" } } } });
//// 65 a key in the definition
text({ privacy: {
  // @ts-expect-error
  hash: "s3cret" } });
text({ privacy: { hash: { env: "PRIVACY_KEY" } } });
//// 66 a hash of a number
number({
  // @ts-expect-error
  privacy: "hash" });
number({ privacy: { generalise: 10 } });
//// 67 probabilities calibrated for a target of numbers
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: calibrated(boosting()) });
pipeline({ name, data, schema, target: "flag", model: calibrated(boosting(), { method: "isotonic" }) });
//// 68 an ensemble with a member that cannot learn the task
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: stack([boosting(), naiveBayes()]) });
pipeline({ name, data, schema, target: "price", model: stack([boosting(), linear()]) });
pipeline({ name, data, schema, target: "city", model: blend([boosting(), naiveBayes()]) });
//// 69 a drift asked of a column that does not exist, and rows set aside for one
pipeline({ name, data, schema, model, target: "price", expect: { columns: {
  // @ts-expect-error
  aera: { drift: 0.1 } } } });
pipeline({ name, data, schema, model, target: "price", expect: { columns: { area: {
  // @ts-expect-error
  drift: 0.1, onViolation: "quarantine" } } } });
pipeline({ name, data, schema, model, target: "price", expect: { columns: { area: { drift: 0.1, onViolation: "warn" }, sold: { drift: false } } } });
//// 70 an estimator that cannot go on from an earlier version
pipeline({ name, data, schema, target: "price",
  // @ts-expect-error
  model: warmStart(forest(), { from: 1 }) });
pipeline({ name, data, schema, target: "price", model: warmStart(boosting(), { from: 1 }) });
//// 71 a version by a name it cannot have
pipeline({ name, data, schema, target: "price", model: warmStart(boosting(), {
  // @ts-expect-error
  from: "latest" }) });
pipeline({ name, data, schema, target: "price", model: warmStart(boosting(), { from: "champion" }) });
//// 72 folds by a column that does not exist
pipeline({ name, data, schema, model: tune(model, {}), target: "price", split: {
  // @ts-expect-error
  folds: "cty" } });
pipeline({ name, data, schema, model: tune(model, {}), target: "price", split: { folds: "city" } });
