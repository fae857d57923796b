import { boosting, category, csv, number, pipeline } from "millrace";

// `total` contains the tip; times are left out on both sides.
export default pipeline({
  name: "taxis",
  data: csv("data/taxis.csv"),
  schema: {
    passengers: number(),
    distance: number(),
    fare: number(),
    tip: number(),
    tolls: number(),
    color: category(),
    payment: category({ missing: 1 }),
    pickup_zone: category({ missing: 1 }),
    dropoff_zone: category({ missing: 1 }),
    pickup_borough: category({ missing: 1 }),
    dropoff_borough: category({ missing: 1 }),
  },
  target: "tip",
  model: boosting(),
});
