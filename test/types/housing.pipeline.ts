import { pipeline, csv, number, category, boosting, tune, atLeast, beatsChampion } from "../../src/index.ts";

export default pipeline({
  name: "house-prices",
  data: csv("data/housing.csv"),
  schema: {
    longitude: number({ min: -180, max: 180 }),
    total_rooms: number({ min: 0 }),
    total_bedrooms: number({ min: 0, missing: 0.05 }),
    households: number({ min: 1 }),
    ocean_proximity: category(),
    median_house_value: number({ min: 0 }),
  },
  target: "median_house_value",
  features: (c) => ({ rooms_per_household: c.total_rooms.div(c.households) }),
  model: tune(boosting(), { trials: 30 }),
  gate: [atLeast("r2", 0.75), beatsChampion("rmse")],
});
