import { boolean, boosting, category, csv, number, pipeline } from "millrace";

// `alive` is the target in words.
export default pipeline({
  name: "titanic",
  data: csv("data/titanic.csv"),
  schema: {
    survived: boolean(),
    pclass: number(),
    sex: category(),
    age: number({ missing: 1 }),
    sibsp: number(),
    parch: number(),
    fare: number(),
    embarked: category({ missing: 1 }),
    class: category(),
    who: category(),
    adult_male: boolean(),
    deck: category({ missing: 1 }),
    embark_town: category({ missing: 1 }),
    alone: boolean(),
  },
  target: "survived",
  model: boosting(),
});
