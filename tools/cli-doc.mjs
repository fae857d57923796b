// docs/cli.md from the verbs themselves: `npm run docs` writes it, a test keeps it equal.
import { plain } from "./markdown.mjs";

/** What every verb heeds of its environment. */
const variables = [
  ["MILLRACE_STORE", "where runs, models and the audit log are kept: [the store](store.md#metadata-in-postgresql)"],
  ["MILLRACE_ARTIFACTS", "the bucket of artifacts: [the store](store.md#artifacts-in-a-bucket)"],
  [
    "MILLRACE_THREADS",
    "threads to train and predict with (default: the cores at hand, at most 8); results do not depend on it",
  ],
  ["MILLRACE_DATASET_MB", "memory a dataset is held in: [larger than memory](training.md#datasets-larger-than-memory)"],
  ["MILLRACE_PRIVACY_KEY", "the key of hashed columns: [personal data](data.md#personal-data)"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "where `serve` and `up` send spans: [traces](serving.md#traces)"],
  ["AIP_HTTP_PORT", "the port of `serve` and `up`, with the routes that Vertex AI names: [protocols](serving.md)"],
  ["NATS_URL", "the server of `stream`: [streams](serving.md#streams)"],
];

const named = ([notation, doc]) => `- \`${notation}\`: ${plain(doc)}`;

/** One section: what a verb does, takes and looks like in use. */
function section({ name, description, operands, options, examples }) {
  return [
    `### millrace ${name}`,
    "",
    plain(description),
    "",
    ...[...operands, ...options].map(named),
    ...(operands.length + options.length > 0 ? [""] : []),
    "```sh",
    ...examples,
    "```",
    "",
  ];
}

/** The page, from the verbs of each group in their order. */
export function cliPage(groups) {
  const index = groups.map(
    ({ title, verbs }) => `- ${title}: ${verbs.map(({ name }) => `[${name}](#millrace-${name})`).join(", ")}`,
  );
  return [
    "# The command line",
    "",
    "`npx millrace VERB`. Every verb takes `--project <folder>` (default: the current one) and `--json`, which prints one JSON document",
    "instead of text. Exit codes: 0 ok, 1 error, 2 usage, 3 gate failed, 4 drift found; [errors](errors.md) have a code and a remedy.",
    "",
    ...index,
    "",
    ...groups.flatMap(({ title, verbs }) => [`## ${title}`, "", ...verbs.flatMap(section)]),
    "## Environment",
    "",
    "| variable | meaning |",
    "|---|---|",
    ...variables.map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    "",
    "Object stores read the variables that [every AWS tool reads](data.md#object-stores).",
    "",
  ].join("\n");
}
