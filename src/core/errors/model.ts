/** Model files: damaged, foreign or too new. */
export const modelErrors = {
  MODEL_FILE_FOREIGN: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; reason: string }): string => `${c.subject} is not a Millrace model: ${c.reason}`,
    remedy: (): string =>
      "Give a model written by Millrace; formats that can carry code (pickle and kin) are never loaded.",
  },
  MODEL_FILE_DAMAGED: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; reason: string }): string => `${c.subject} is damaged: ${c.reason}`,
    remedy: (): string => "Restore the file from a backup, or run the pipeline again.",
  },
  MODEL_FORMAT_TOO_NEW: {
    status: 422,
    exit: 1,
    message: (c: { format: number; known: number }): string =>
      `the model has format ${c.format}; this release reads formats up to ${c.known}`,
    remedy: (): string => "Update millrace.",
  },
  MODEL_PARITY_BROKEN: {
    status: 422,
    exit: 1,
    message: (c: { row: number; expected: string; actual: string }): string =>
      `the model does not predict what it predicted when it was written: parity row ${c.row} expected ${c.expected}, got ${c.actual}`,
    remedy: (): string => "Do not use this file; run the pipeline again.",
  },
  PREDICTION_UNDEFINED: {
    status: 422,
    exit: 1,
    message: (c: { row: number }): string =>
      `row ${c.row} has no prediction: its numbers are so large that what the model computes of them is no finite number`,
    remedy: (): string =>
      "Check the row's numbers. To have such rows refused by name, declare min and max in the schema; to hold them, use clip().",
  },
  MODEL_IMPORT_REFUSED: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; reason: string }): string => `${c.subject} is not imported: ${c.reason}`,
    remedy: (): string =>
      "Give a model of LightGBM (text), XGBoost (JSON or UBJ) or scikit-learn (`millrace import --exporter`) as it was written; docs/formats.md says what can be repeated exactly.",
  },
  EXPORT_UNSUPPORTED: {
    status: 422,
    exit: 1,
    message: (c: { model: string; form: string; reason: string }): string =>
      `"${c.model}" cannot be said in ${c.form}: ${c.reason}`,
    remedy: (): string => "`millrace export module` takes every model.",
  },
  EXPLANATION_UNAVAILABLE: {
    status: 422,
    exit: 1,
    message: (c: { model: string; predictions: string }): string =>
      `the predictions of "${c.model}" are ${c.predictions}, which are not sums of features`,
    remedy: (): string => "Ask for predictions alone.",
  },
};
