import { isMillraceError } from "../../src/core/errors/error.ts";
import { importModel } from "../../src/model/import/import-model.ts";

/** What is said where a file is refused as a model to import; "" where it is imported. */
export function importRefusalOf(file: Uint8Array | string): string {
  try {
    importModel({ name: "m", file });
  } catch (error) {
    if (isMillraceError(error) && error.code === "MODEL_IMPORT_REFUSED") return error.message;
    throw error;
  }
  return "";
}
