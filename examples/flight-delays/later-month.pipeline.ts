import { atLeast, beatsChampion, boolean, boosting, category, number, parquet, pipeline, timestamp } from "millrace";

/** The pipeline of later-month.mjs: as pipelines/flight-delays.ts, on a smaller file that later holds more months. */
export default pipeline({
  name: "flight-delays",
  data: parquet("data/flights.parquet"),
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
  model: boosting({ trees: 50, leaves: 31, learningRate: 0.1 }),
  gate: [atLeast("auc", 0.6), beatsChampion("auc")],
  monitor: { window: "1h", every: "2s", psi: 0.2, minRows: 1000 },
  retrain: { onDrift: true },
});
