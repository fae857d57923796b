import { atLeast, atMost, beatsChampion, boosting, category, csv, number, pipeline, sql } from "millrace";

const tracts = csv("data/boston.csv");

export default pipeline({
  name: "house-prices",
  // medv is the uncorrected twin of the target; b becomes two groups, so that it can be declared sensitive and compared by.
  data: sql("select * exclude (medv) replace (if(b::double >= 380, 'high', 'low') as b) from tracts", { tracts }),
  schema: {
    crim: number({ min: 0 }),
    zn: number({ min: 0, max: 100 }),
    indus: number({ min: 0 }),
    chas: number({ min: 0, max: 1 }),
    nox: number({ min: 0 }),
    rm: number({ min: 1 }),
    age: number({ min: 0, max: 100 }),
    dis: number({ min: 0 }),
    rad: number({ min: 1 }),
    tax: number({ min: 0 }),
    ptratio: number({ min: 0 }),
    b: category(["low", "high"]),
    lstat: number({ min: 0, max: 100 }),
    cmedv: number({ min: 0 }),
  },
  target: "cmedv",
  sensitive: ["b"],
  features: (c) => ({ rooms_per_status: c.rm.div(c.lstat) }),
  model: boosting(),
  gate: [atLeast("r2", 0.75), atMost("mae", 3.5), beatsChampion("rmse")],
});
