import {
  atLeast,
  beatsChampion,
  boolean,
  boosting,
  category,
  number,
  parquet,
  pipeline,
  sql,
  timestamp,
} from "millrace";

const flights = parquet("../../node_modules/vega-datasets/data/flights-3m.parquet");

export default pipeline({
  name: "flight-delays",
  data: sql("select date, distance, origin, destination, delay >= 15 as delayed from flights", { flights }),
  schema: {
    date: timestamp(),
    distance: number({ min: 0 }),
    origin: category(),
    destination: category(),
    delayed: boolean(),
  },
  target: "delayed",
  time: "date",
  split: { by: "time", test: 0.2 },
  features: (c) => ({
    hour: c.date.hour(),
    weekday: c.date.dayOfWeek(),
  }),
  model: boosting({ trees: 100, leaves: 31, learningRate: 0.1 }),
  gate: [atLeast("auc", 0.6), beatsChampion("auc")],
  monitor: { window: "1d", every: "30s" },
  retrain: { cron: "0 4 * * 1", onDrift: true },
});
