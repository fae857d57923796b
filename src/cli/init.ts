import { textOption, type Verb } from "./verb.ts";

export const init: Verb = {
  name: "init",
  description:
    "Profiles a file (CSV, TSV, Parquet, JSON, JSON lines or Arrow) and writes pipelines/<name>.ts, typed and ready to run.",
  operands: [["<file>", "the data: a file or an address (https://, s3://)"]],
  options: [
    ["--target <column>", "the column to predict"],
    ["--name <name>", "name of the pipeline (default: from the file's name)"],
    ["--columns <names>", "comma-separated column names, for files without a header line"],
    ["--force", "overwrite an existing pipeline file"],
  ],
  examples: [
    "millrace init data/housing.csv --target median_house_value",
    "millrace init sms.tsv --target label --columns label,text",
  ],
  async run({ operands, options, root, output }) {
    const { initPipeline } = await import("../app/init.ts");
    const written = await initPipeline(root, operands[0]!, {
      target: textOption(options, "target"),
      name: textOption(options, "name"),
      columns: textOption(options, "columns")
        ?.split(",")
        .map((name) => name.trim()),
      force: options["force"] === true,
    });
    output.line(`wrote ${written.path}`);
    for (const note of written.notes) output.line(`  ${note}`);
    output.line(`Next: npx millrace run ${written.name}`);
    output.document(written);
    return 0;
  },
};
