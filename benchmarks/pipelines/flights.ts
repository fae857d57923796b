import { boolean, boosting, category, number, parquet, pipeline, sql, timestamp } from "millrace";

const flights = parquet("data/flights-3m.parquet");

// 300,000 of the 3,000,000 flights, the same on every machine; rows of equal hash are equal rows.
export default pipeline({
  name: "flights",
  data: sql(
    `select date, hour(date) as hour, isodow(date) as weekday, distance, origin, destination, delay >= 15 as delayed
     from flights order by hash(date, delay, distance, origin, destination) limit 300000`,
    { flights },
  ),
  schema: {
    date: timestamp(),
    hour: number(),
    weekday: number(),
    distance: number(),
    origin: category(),
    destination: category(),
    delayed: boolean(),
  },
  target: "delayed",
  time: "date",
  split: { by: "time", test: 0.2 },
  model: boosting(),
});
