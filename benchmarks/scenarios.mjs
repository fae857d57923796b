/** Scenario ids are permanent: results of different releases are compared by them. */
export const scenarios = [
  {
    id: "quality/tabular",
    title: "test AUC, RMSE and F1 beside scikit-learn on the same rows of seven datasets",
    load: () => import("./scenarios/quality-tabular.mjs"),
  },
  {
    id: "demo/flights",
    title: "3,000,000 flights to a judged model: whole-process time and peak memory beside scikit-learn",
    load: () => import("./scenarios/demo-flights.mjs"),
  },
  {
    id: "cli/help",
    title: "`millrace --help` beside `node -e 0`, whole process",
    load: () => import("./scenarios/cli-help.mjs"),
  },
  {
    id: "engine/forty-steps",
    title: "40 sequential steps of 10 ms with durable commits: inline and in processes",
    load: async () => ({ run: (await import("./scenarios/engine.mjs")).runFortySteps }),
  },
  {
    id: "engine/fan-out",
    title: "a fan-out over 1,000 elements: inline and in processes",
    load: async () => ({ run: (await import("./scenarios/engine.mjs")).runFanOut }),
  },
];
