import { onnxModel } from "../export/onnx/onnx.ts";
import { loadVersion } from "./champion.ts";
import type { Project } from "./project.ts";
import { writeWhole } from "./write-whole.ts";

/** What `millrace export onnx` wrote. */
export interface ExportedOnnx {
  readonly model: string;
  readonly version: number;
  readonly file: string;
  readonly bytes: number;
}

/** Writes a model (the champion, or a version) as an ONNX file. Throws EXPORT_UNSUPPORTED. */
export async function exportOnnx(
  project: Project,
  name: string,
  wanted: number | undefined,
  out: string,
): Promise<ExportedOnnx> {
  const { model, version } = await loadVersion(project, name, wanted);
  const bytes = onnxModel(model, version.version, version.digest);
  await writeWhole(out, bytes);
  return { model: name, version: version.version, file: out, bytes: bytes.length };
}
