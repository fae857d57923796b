/** Scenario ids are permanent: results of different releases are compared by them. */
export const scenarios = [
  {
    id: "quality/tabular",
    title: "test AUC, RMSE and F1 beside scikit-learn on the same rows of eight datasets",
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
  {
    id: "engine/no-change",
    title: "a pipeline over 1 GB run again with nothing changed, whole process",
    load: async () => ({ run: (await import("./scenarios/store.mjs")).runNoChange }),
  },
  {
    id: "store/ten-thousand-runs",
    title: "listing and showing runs in a store of 10,000 with 100 metrics each",
    load: async () => ({ run: (await import("./scenarios/store.mjs")).runTenThousandRuns }),
  },
  {
    id: "store/crash-long",
    title:
      "the crash suite at length: 2,000 random kills, 8 processes for a minute, 20,000 power losses, every fault, and more",
    load: async () => ({ run: (await import("./scenarios/store.mjs")).runCrashLong }),
  },
  {
    id: "boosting/fit-200k",
    title: "boosting 200,000 x 28 beside LightGBM, XGBoost and scikit-learn",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runFit200k }),
  },
  {
    id: "boosting/fit-1m",
    title: "boosting 1,000,000 x 28 beside the same three",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runFit1m }),
  },
  {
    id: "boosting/fit-1m-deep",
    title: "boosting 1,000,000 x 28, 500 trees of 255 leaves",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runFit1mDeep }),
  },
  {
    id: "boosting/fit-wide",
    title: "boosting 200,000 x 300",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runFitWide }),
  },
  {
    id: "boosting/predict-1m",
    title: "1,000,000 rows predicted in process beside the same three",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runPredict1m }),
  },
  {
    id: "boosting/small",
    title: "boosting 1,000 x 10",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runSmall }),
  },
  {
    id: "boosting/small-again",
    title: "the same by processes that have fitted before",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runSmallAgain }),
  },
  {
    id: "boosting/flights",
    title: "boosting 3,000,000 flights with two categories of 300 levels beside LightGBM",
    load: async () => ({ run: (await import("./scenarios/boosting-fit.mjs")).runFlights }),
  },
  {
    id: "boosting/growth",
    title: "how boosting's time grows from 10,000 rows on (MILLRACE_GROWTH_ROWS at most), and falls with threads",
    load: () => import("./scenarios/boosting-growth.mjs"),
  },
  {
    id: "boosting/larger-than-memory",
    title: "a run over 8,000,000 x 30 (MILLRACE_LARGER_ROWS): peak memory beside its columns as doubles",
    load: () => import("./scenarios/larger-than-memory.mjs"),
  },
  {
    id: "boosting/predict-one",
    title: "one row predicted in process beside ONNX Runtime for Node on the model's export",
    load: () => import("./scenarios/predict-one.mjs"),
  },
  {
    id: "boosting/shap",
    title: "10,000 rows explained by TreeSHAP beside the shap package on the same LightGBM model",
    load: () => import("./scenarios/shap.mjs"),
  },
  {
    id: "mlp/fit",
    title: "a network of 64 and 32 units on 100,000 x 50, 10 epochs, beside PyTorch",
    load: () => import("./scenarios/mlp-fit.mjs"),
  },
  {
    id: "serve/single",
    title:
      "one row a request on adult's contract: requests a second beside FastAPI, BentoML and MLflow with scikit-learn",
    load: () => import("./scenarios/serve-single.mjs"),
  },
  {
    id: "serve/swaps",
    title:
      "promotions, a tenth of them of damaged versions, under 500 requests a second for ten minutes (MILLRACE_SWAPS_SECONDS)",
    load: () => import("./scenarios/serve-swaps.mjs"),
  },
  {
    id: "serve/drain",
    title: "100 servers (MILLRACE_DRAINS) told to stop while requests are open",
    load: () => import("./scenarios/serve-drain.mjs"),
  },
  {
    id: "serve/abuse",
    title:
      "silent sockets, endless bodies, broken HTTP and 2,560 requests at once, beside a good client (MILLRACE_ABUSE_SECONDS a phase)",
    load: () => import("./scenarios/serve-abuse.mjs"),
  },
  {
    id: "serve/keys",
    title: "1,000 keys searched for wherever they must not stand, and 1,000,000 wrong ones timed",
    load: () => import("./scenarios/serve-keys.mjs"),
  },
  {
    id: "serve/log",
    title: "one row a request with the prediction log, asynchronous and synchronous, beside none",
    load: () => import("./scenarios/serve-log.mjs"),
  },
  {
    id: "predict/batch",
    title: "10,000,000 rows (MILLRACE_BATCH_ROWS) scored from Parquet to Parquet beside pandas and scikit-learn",
    load: () => import("./scenarios/predict-batch.mjs"),
  },
  {
    id: "linear/logistic",
    title: "logistic regression of 1,000,000 x 50, also with columns of skewed scales, beside scikit-learn",
    load: async () => ({ run: (await import("./scenarios/learners-fit.mjs")).runLogistic }),
  },
  {
    id: "kmeans/fit",
    title: "k-means of 1,000,000 x 20, k = 10, of blobs and of noise, beside scikit-learn",
    load: async () => ({ run: (await import("./scenarios/learners-fit.mjs")).runKmeans }),
  },
  {
    id: "forest/fit",
    title: "a forest of 100 full trees on 100,000 x 20 beside scikit-learn",
    load: async () => ({ run: (await import("./scenarios/learners-fit.mjs")).runForest }),
  },
  {
    id: "ingest/csv-1m",
    title: "a CSV of 1,000,000 x 20 to a snapshot and typed columns beside pandas.read_csv",
    load: async () => ({ run: (await import("./scenarios/ingest.mjs")).runCsv1m }),
  },
  {
    id: "ingest/parquet-1m",
    title: "the snapshot of 1,000,000 x 20 to typed columns beside pandas.read_csv of the file it came from",
    load: async () => ({ run: (await import("./scenarios/ingest.mjs")).runParquet1m }),
  },
  {
    id: "data/checked-1m",
    title: "a CSV of 1,000,000 x 20 read, checked, profiled and cleaned beside pandas and Pandera",
    load: async () => ({ run: (await import("./scenarios/ingest.mjs")).runChecked1m }),
  },
  {
    id: "ingest/mutants",
    title: "20,000 damaged files: read as what they say or refused with a code",
    load: async () => ({ run: (await import("./scenarios/mutants.mjs")).runMutants }),
  },
  {
    id: "ingest/csv-10gb",
    title: "a CSV of 10 GB (MILLRACE_INGEST_GB) to a snapshot: time and peak memory",
    load: async () => ({ run: (await import("./scenarios/ingest.mjs")).runCsv10gb }),
  },
  {
    id: "export/module",
    title: "an exported module beside the server: 100,000 rows bit for bit, its size, its cold start",
    load: () => import("./scenarios/export-module.mjs"),
  },
  {
    id: "serve/canary",
    title: "100 simulated canaries of each kind: bad ones out in under 200 of their requests, good ones kept",
    load: () => import("./scenarios/canary.mjs"),
  },
];
