import { boolean, boosting, category, csv, number, pipeline } from "millrace";

// `is_recid` is nearly the target; the date of screening is left out on both sides.
export default pipeline({
  name: "compas",
  data: csv("data/compas-two-years.csv"),
  schema: {
    sex: category(),
    age: number(),
    age_cat: category(),
    race: category(),
    juv_fel_count: number(),
    juv_misd_count: number(),
    juv_other_count: number(),
    priors_count: number(),
    days_b_screening_arrest: number({ missing: 1 }),
    c_charge_degree: category(),
    decile_score: number(),
    two_year_recid: boolean(),
  },
  target: "two_year_recid",
  model: boosting(),
});
