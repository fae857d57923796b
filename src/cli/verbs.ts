import type { Verb } from "./verb.ts";

interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

/** The one list of verbs, in the order of the help. Each loads only when it is called. */
export const verbGroups: readonly { readonly title: string; readonly verbs: readonly VerbEntry[] }[] = [
  {
    title: "Start",
    verbs: [
      {
        name: "init",
        summary: "profile a file and write pipelines/<name>.ts",
        load: async () => (await import("./init.ts")).init,
      },
      {
        name: "check",
        summary: "check pipelines without running them",
        load: async () => (await import("./check.ts")).check,
      },
      {
        name: "run",
        summary: "run a pipeline: data to registered, gated model",
        load: async () => (await import("./run.ts")).run,
      },
      {
        name: "up",
        summary: "serve all champions, watch them, retrain on schedule or drift",
        load: async () => (await import("./up.ts")).up,
      },
    ],
  },
  {
    title: "Data",
    verbs: [
      {
        name: "profile",
        summary: "profile a file, a run or a snapshot",
        load: async () => (await import("./profile.ts")).profile,
      },
      {
        name: "diff",
        summary: "compare two files, runs or snapshots",
        load: async () => (await import("./diff.ts")).diff,
      },
      {
        name: "forget",
        summary: "take a person's rows out of snapshots and logs, and name the models that saw them",
        load: async () => (await import("./forget.ts")).forget,
      },
    ],
  },
  {
    title: "Runs",
    verbs: [
      { name: "runs", summary: "list runs, newest first", load: async () => (await import("./runs.ts")).runs },
      {
        name: "show",
        summary: "show one run: steps, metrics, artifacts",
        load: async () => (await import("./show.ts")).show,
      },
      {
        name: "logs",
        summary: "print what the steps of a run printed",
        load: async () => (await import("./logs.ts")).logs,
      },
      {
        name: "why",
        summary: "say why each step of a run ran or was answered from the cache",
        load: async () => (await import("./why.ts")).why,
      },
      {
        name: "compare",
        summary: "lay runs beside each other: parameters, metrics, data, code",
        load: async () => (await import("./compare.ts")).compare,
      },
      {
        name: "resume",
        summary: "go on with interrupted runs from their last committed step",
        load: async () => (await import("./resume.ts")).resume,
      },
      {
        name: "reproduce",
        summary: "run a recorded run again and compare every artifact",
        load: async () => (await import("./reproduce.ts")).reproduce,
      },
    ],
  },
  {
    title: "Models",
    verbs: [
      {
        name: "models",
        summary: "list models and their versions",
        load: async () => (await import("./models.ts")).models,
      },
      {
        name: "predict",
        summary: "predict rows with a model's champion",
        load: async () => (await import("./predict.ts")).predict,
      },
      {
        name: "card",
        summary: "print a version's card: data, contract, metrics, limits, lineage",
        load: async () => (await import("./card.ts")).card,
      },
      {
        name: "import",
        summary: "register a model trained by LightGBM, XGBoost or scikit-learn",
        load: async () => (await import("./import.ts")).importVerb,
      },
      {
        name: "promote",
        summary: "make a version the champion",
        load: async () => (await import("./promote.ts")).promote,
      },
      {
        name: "rollback",
        summary: "make the previous champion the champion again",
        load: async () => (await import("./rollback.ts")).rollback,
      },
      {
        name: "approve",
        summary: "approve a version as one of its reviewers",
        load: async () => (await import("./approve.ts")).approve,
      },
      {
        name: "alias",
        summary: "let a name stand at a version, served beside the champion",
        load: async () => (await import("./alias.ts")).alias,
      },
      { name: "tag", summary: "set or take off tags of a version", load: async () => (await import("./tag.ts")).tag },
      {
        name: "archive",
        summary: "put a version away for good",
        load: async () => (await import("./archive.ts")).archive,
      },
      {
        name: "registry",
        summary: "show models, versions and champions, now or at a time",
        load: async () => (await import("./registry.ts")).registry,
      },
      {
        name: "audit",
        summary: "list who did what when, or check that nothing in it was altered",
        load: async () => (await import("./audit.ts")).audit,
      },
    ],
  },
  {
    title: "Serving",
    verbs: [
      { name: "serve", summary: "serve all champions only", load: async () => (await import("./serve.ts")).serve },
      {
        name: "stream",
        summary: "answer messages of a NATS stream with a model",
        load: async () => (await import("./stream.ts")).stream,
      },
      {
        name: "rollout",
        summary: "give a version a share of the traffic: canary, A/B or shadow",
        load: async () => (await import("./rollout.ts")).rollout,
      },
      {
        name: "client",
        summary: "print a client of a model in Python or for curl",
        load: async () => (await import("./client.ts")).client,
      },
      {
        name: "keys",
        summary: "make, list and revoke the keys of the server",
        load: async () => (await import("./keys.ts")).keys,
      },
      {
        name: "export",
        summary: "write a model as a module without imports, for ONNX Runtime or as a container",
        load: async () => (await import("./export.ts")).exportVerb,
      },
    ],
  },
  {
    title: "Watching",
    verbs: [
      {
        name: "predictions",
        summary: "ask the prediction log what was answered",
        load: async () => (await import("./predictions.ts")).predictions,
      },
      {
        name: "quality",
        summary: "measure predictions against what became true",
        load: async () => (await import("./quality.ts")).quality,
      },
      {
        name: "monitor",
        summary: "compare logged predictions with the model's reference",
        load: async () => (await import("./monitor.ts")).monitor,
      },
    ],
  },
  {
    title: "Project",
    verbs: [
      {
        name: "verify",
        summary: "check every artifact, the database and the audit log",
        load: async () => (await import("./verify.ts")).verify,
      },
      {
        name: "gc",
        summary: "remove what no run and no version needs",
        load: async () => (await import("./gc.ts")).gc,
      },
      {
        name: "backup",
        summary: "write a folder with all the project keeps, while work goes on",
        load: async () => (await import("./backup.ts")).backup,
      },
      {
        name: "restore",
        summary: "put a backup in the place of the project's store",
        load: async () => (await import("./restore.ts")).restore,
      },
      {
        name: "doctor",
        summary: "print versions and check this machine",
        load: async () => (await import("./doctor.ts")).doctor,
      },
    ],
  },
];

export const verbs: readonly VerbEntry[] = verbGroups.flatMap((group) => group.verbs);
