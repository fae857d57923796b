/** A definition that cannot be run, and steps that cannot finish. */
export const pipelineErrors = {
  DEFINITION_INVALID: {
    status: 422,
    exit: 2,
    message: (c: { subject: string; rule: string; actual: string }): string =>
      `${c.subject} ${c.rule}, got ${c.actual}`,
    remedy: (c: { remedy?: string | undefined }): string => c.remedy ?? "Change the definition accordingly.",
  },
  HYPERPARAMETER_INVALID: {
    status: 422,
    exit: 2,
    message: (c: { estimator: string; name: string; rule: string; actual: string }): string =>
      `${c.estimator}.${c.name} must be ${c.rule}, got ${c.actual}`,
    remedy: (): string => "Give a value in the range, or leave it out to use the default.",
  },
  PIPELINE_NOT_FOUND: {
    status: 404,
    exit: 2,
    message: (c: { name: string; folder: string; found: readonly string[] }): string =>
      `there is no pipeline "${c.name}" in ${c.folder}${c.found.length ? `; found: ${c.found.join(", ")}` : ""}`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest ? `Did you mean "${c.nearest}"?` : "Write one with `millrace init FILE --target COLUMN`.",
  },
  PIPELINE_FILE_BROKEN: {
    status: 422,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `"${c.path}" cannot be loaded: ${c.reason}`,
    remedy: (): string => "Mend the file; `npx tsc --noEmit` shows type errors with their lines.",
  },
  PIPELINE_FILE_EXPORTS_NOTHING: {
    status: 422,
    exit: 1,
    message: (c: { path: string; found: string }): string =>
      `"${c.path}" has no pipeline as its default export: ${c.found}`,
    remedy: (): string => "Write `export default pipeline({ ... })`.",
  },
  TARGET_UNUSABLE: {
    status: 422,
    exit: 1,
    message: (c: { column: string; rule: string; actual: string }): string =>
      `the target "${c.column}" ${c.rule}, got ${c.actual}`,
    remedy: (): string => "Choose another target, or a file whose target varies.",
  },
  CONTRACT_VIOLATED: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; count: number; first: string; rules?: string }): string => {
      const rules = c.rules === undefined ? "" : ` (${c.rules})`;
      return `${c.subject} breaks the contract ${c.count} ${c.count === 1 ? "time" : "times"}${rules}; first: ${c.first}`;
    },
    remedy: (): string =>
      'Correct the rows, widen the contract, or set onViolation: "quarantine" on the column to set such rows aside.',
  },
  SPLIT_EMPTY: {
    status: 422,
    exit: 1,
    message: (c: { split: string; nRows: number }): string => `the ${c.split} split would hold no rows (of ${c.nRows})`,
    remedy: (): string => "Give more rows, or change the shares in `split`.",
  },
  STEP_FAILED: {
    status: 500,
    exit: 1,
    message: (c: { step: string; reason: string }): string => `step "${c.step}" failed: ${c.reason}`,
    remedy: (): string => "Mend the cause and run again: finished steps are not repeated.",
  },
  LISTENER_FAILED: {
    status: 500,
    exit: 1,
    message: (c: { workflow: string; reason: string }): string => `what listens to "${c.workflow}" failed: ${c.reason}`,
    remedy: (): string => "Mend the listener and run again: finished steps are not repeated.",
  },
  STEP_TIMED_OUT: {
    status: 500,
    exit: 1,
    message: (c: { step: string; limit: string }): string => `step "${c.step}" took longer than ${c.limit}`,
    remedy: (): string => "Raise its `timeout`, or give it less to do: finished steps are not repeated.",
  },
  STEP_OUT_OF_MEMORY: {
    status: 500,
    exit: 1,
    message: (c: { step: string; limitMb: number }): string => `step "${c.step}" needed more than ${c.limitMb} MiB`,
    remedy: (): string => "Raise its `memory`, or let it read and write less at a time.",
  },
  STEP_EXITED: {
    status: 500,
    exit: 1,
    message: (c: { step: string; how: string; said: string }): string =>
      `the process of step "${c.step}" ended ${c.how}${c.said === "" ? "" : `: ${c.said}`}`,
    remedy: (): string => "A step returns or throws; it must not end its process. Look at what it printed.",
  },
  STEP_OUTPUT_INVALID: {
    status: 422,
    exit: 1,
    message: (c: { step: string; output: string; rule: string; actual: string }): string =>
      `step "${c.step}" must return ${c.rule} as "${c.output}", got ${c.actual}`,
    remedy: (c: { remedy?: string | undefined }): string =>
      c.remedy ?? "Return plain JSON values, or declare the output as bytes, array or file.",
  },
  STEP_UNKNOWN: {
    status: 404,
    exit: 2,
    message: (c: { step: string; workflow: string; found: readonly string[] }): string =>
      `"${c.workflow}" has no step "${c.step}"; it has ${c.found.join(", ")}`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest ? `Did you mean "${c.nearest}"?` : "Name one of these.",
  },
  WORKFLOW_INVALID: {
    status: 422,
    exit: 2,
    message: (c: { step: string; rule: string; actual: string }): string =>
      `step "${c.step}" ${c.rule}, got ${c.actual}`,
    remedy: (c: { remedy?: string | undefined }): string => c.remedy ?? "Change the order or the names of the steps.",
  },
  TRAINING_TOO_LARGE: {
    status: 422,
    exit: 1,
    message: (c: { rows: number; columns: number }): string =>
      `training on ${c.rows} rows of ${c.columns} columns needs more than 4 GiB of working memory`,
    remedy: (): string => "Learn from fewer rows or columns, fewer text terms, fewer bins or leaves.",
  },
  WARM_START_REFUSED: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; rule: string; actual: string }): string =>
      `training cannot go on from ${c.subject}: ${c.rule}, got ${c.actual}`,
    remedy: (c: { remedy?: string | undefined }): string =>
      c.remedy ?? "Take the change back, or leave warmStart() out once, so that a model is learned anew.",
  },
  TRAINING_DIVERGED: {
    status: 422,
    exit: 1,
    message: (c: { estimator: string; epoch: number; learningRate: number }): string =>
      `${c.estimator}() with learningRate ${c.learningRate} diverged: not all of its weights were finite numbers after epoch ${c.epoch}`,
    remedy: (): string => "Lower learningRate, say to a tenth of it; scale inputs that are very large.",
  },
  CANCELLED: {
    status: 499,
    exit: 1,
    message: (c: { subject: string }): string => `${c.subject} was cancelled`,
    remedy: (): string => "Run again: finished steps are not repeated.",
  },
  INTERNAL: {
    status: 500,
    exit: 1,
    message: (c: { reason: string }): string => `something went wrong inside Millrace: ${c.reason}`,
    remedy: (): string => "Please report it with the command and the output of `millrace doctor --json`.",
  },
};
