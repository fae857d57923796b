import { boosting, category, csv, number, pipeline } from "millrace";

export default pipeline({
  name: "california-housing",
  data: csv("data/california-housing.csv"),
  schema: {
    longitude: number(),
    latitude: number(),
    housing_median_age: number(),
    total_rooms: number(),
    total_bedrooms: number({ missing: 1 }),
    population: number(),
    households: number(),
    median_income: number(),
    median_house_value: number(),
    ocean_proximity: category(),
  },
  target: "median_house_value",
  model: boosting(),
});
