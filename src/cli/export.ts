import type { ContainerOptions } from "../app/export-container.ts";
import type { Project } from "../app/project.ts";
import { MillraceError } from "../core/errors/error.ts";
import { integerOf } from "./number-option.ts";
import type { Output } from "./output.ts";
import { textOption, type Verb } from "./verb.ts";

export const exportVerb: Verb = {
  name: "export",
  description:
    "Writes a model for use without this package. `module`: one ES module without imports, preparation and model in it, for browsers, edge workers and functions, with its types beside it. `docker`: a folder to build a container from, with Compose, Kubernetes and KServe manifests and a bill of materials. `onnx`: preparation and model for ONNX Runtime.",
  operands: [
    ["<form>", "module, docker or onnx"],
    ["<model>", "a model's name, its champion; or name@version"],
  ],
  options: [
    ["-o, --out <path>", "the file, or for docker the folder, to write"],
    ["--package <tgz>", "docker: this package as `npm pack` makes it, where the registry does not have it"],
  ],
  examples: ["millrace export module churn -o churn.mjs", "millrace export docker churn@3 -o deploy"],
  async run({ operands, options, root, output }) {
    const [form, wanted] = operands;
    if (form !== "module" && form !== "docker" && form !== "onnx")
      throw new MillraceError("USAGE", { reason: `there is no form "${form}" to export: module, docker or onnx` });
    const out = textOption(options, "out");
    if (out === undefined) throw new MillraceError("USAGE", { reason: "export needs --out, where to write" });
    const { model, version } = versionedName(wanted!);
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      if (form === "module") await writeModule(project, output, model, version, out);
      else if (form === "onnx") await writeOnnx(project, output, model, version, out);
      else await writeContainer(project, output, model, version, { out, tarball: textOption(options, "package") });
      return 0;
    } finally {
      await project.close();
    }
  },
};

async function writeModule(
  project: Project,
  output: Output,
  model: string,
  version: number | undefined,
  out: string,
): Promise<void> {
  const { exportModule } = await import("../app/export-module.ts");
  const done = await exportModule(project, model, version, out);
  const size = `${Math.ceil(done.bytes / 1000)} kB, ${Math.ceil(done.runtimeBytes / 1000)} of them code`;
  output.line(`wrote ${done.model} version ${done.version} to ${done.file} (${size}) and its types to ${done.types}`);
  output.document(done);
}

async function writeOnnx(
  project: Project,
  output: Output,
  model: string,
  version: number | undefined,
  out: string,
): Promise<void> {
  const { exportOnnx } = await import("../app/export-onnx.ts");
  const done = await exportOnnx(project, model, version, out);
  output.line(`wrote ${done.model} version ${done.version} to ${done.file} (${Math.ceil(done.bytes / 1000)} kB)`);
  output.document(done);
}

async function writeContainer(
  project: Project,
  output: Output,
  model: string,
  version: number | undefined,
  options: ContainerOptions,
): Promise<void> {
  const { exportContainer } = await import("../app/export-container.ts");
  const done = await exportContainer(project, model, version, options);
  output.line(`wrote ${done.model} version ${done.version} to ${done.folder}: ${done.files.join(", ")}`);
  output.line(`it answers who has a key: ${done.keys.join(", ")}`);
  output.line(`docker build -t ${done.image} ${done.folder}`);
  output.document(done);
}

/** "churn@3" as a name and a version; a name alone means its champion. */
function versionedName(text: string): { readonly model: string; readonly version: number | undefined } {
  const at = text.lastIndexOf("@");
  if (at <= 0) return { model: text, version: undefined };
  const version = integerOf("the version after @", text.slice(at + 1), 1, Number.MAX_SAFE_INTEGER);
  return { model: text.slice(0, at), version };
}
