import type { ContainerOptions } from "../app/export-container.ts";
import type { Project } from "../app/project.ts";
import { MillraceError } from "../core/errors/error.ts";
import { integerOf } from "./number-option.ts";
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
    const [name, wanted] = operands;
    const form = forms.get(name!);
    if (form === undefined)
      throw new MillraceError("USAGE", {
        reason: `there is no form "${name}" to export: ${[...forms.keys()].join(", ")}`,
      });
    const out = textOption(options, "out");
    if (out === undefined) throw new MillraceError("USAGE", { reason: "export needs --out, where to write" });
    const { model, version } = versionedName(wanted!);
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const { lines, document } = await form(project, model, version, { out, tarball: textOption(options, "package") });
      for (const line of lines) output.line(line);
      output.document(document);
      return 0;
    } finally {
      await project.close();
    }
  },
};

/** Writes a version in one form, and says what was written: in lines, and as a document. */
type Form = (
  project: Project,
  model: string,
  version: number | undefined,
  options: ContainerOptions,
) => Promise<{ readonly lines: readonly string[]; readonly document: object }>;

const forms: ReadonlyMap<string, Form> = new Map<string, Form>([
  [
    "module",
    async (project, model, version, { out }) => {
      const { exportModule } = await import("../app/export-module.ts");
      const done = await exportModule(project, model, version, out);
      const size = `${kilobytes(done.bytes)}, ${kilobytes(done.runtimeBytes)} of them code`;
      return { lines: [`${wrote(done, done.file)} (${size}) and its types to ${done.types}`], document: done };
    },
  ],
  [
    "onnx",
    async (project, model, version, { out }) => {
      const { exportOnnx } = await import("../app/export-onnx.ts");
      const done = await exportOnnx(project, model, version, out);
      return { lines: [`${wrote(done, done.file)} (${kilobytes(done.bytes)})`], document: done };
    },
  ],
  [
    "docker",
    async (project, model, version, options) => {
      const { exportContainer } = await import("../app/export-container.ts");
      const done = await exportContainer(project, model, version, options);
      const lines = [
        `${wrote(done, done.folder)}: ${done.files.join(", ")}`,
        `it answers who has a key: ${done.keys.join(", ")}`,
        `docker build -t ${done.image} ${done.folder}`,
      ];
      return { lines, document: done };
    },
  ],
]);

const wrote = ({ model, version }: { readonly model: string; readonly version: number }, path: string): string =>
  `wrote ${model} version ${version} to ${path}`;

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1000)} kB`;

/** "churn@3" as a name and a version; a name alone means its champion. */
function versionedName(text: string): { readonly model: string; readonly version: number | undefined } {
  const at = text.lastIndexOf("@");
  if (at <= 0) return { model: text, version: undefined };
  const version = integerOf("the version after @", text.slice(at + 1), 1, Number.MAX_SAFE_INTEGER);
  return { model: text.slice(0, at), version };
}
