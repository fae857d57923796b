import { boosting, category, csv, number, pipeline } from "millrace";

export default pipeline({
  name: "adult",
  data: csv("data/adult.csv"),
  schema: {
    age: number(),
    workclass: category({ missing: 1 }),
    fnlwgt: number(),
    education: category(),
    education_num: number(),
    marital_status: category(),
    occupation: category({ missing: 1 }),
    relationship: category(),
    race: category(),
    sex: category(),
    capital_gain: number(),
    capital_loss: number(),
    hours_per_week: number(),
    native_country: category({ missing: 1 }),
    income: category(["<=50K", ">50K"]),
  },
  target: "income",
  model: boosting(),
});
