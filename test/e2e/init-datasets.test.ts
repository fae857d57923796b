import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, dist, isBuilt, type Project } from "./cli.ts";

const checkout = fileURLToPath(new URL("../../", import.meta.url));
const shared = process.env["MILLRACE_SHARED"] ?? path.join(checkout, "..", "shared");
const data = path.join(shared, "data");
const isPresent = isBuilt && fs.existsSync(data);
if (!fs.existsSync(data)) console.warn(`skipped: there is no ${data}; set MILLRACE_SHARED`);

interface Dataset {
  readonly file: string;
  readonly name: string;
  readonly options: readonly string[];
  /** What init must point out to a person, and what the file it writes must say. */
  readonly notes: readonly RegExp[];
  readonly source: readonly RegExp[];
  readonly task: "auc" | "r2";
  /** What a model of the file must reach on its test rows without a person's help. */
  readonly atLeast: number;
}

const datasets: readonly Dataset[] = [
  {
    file: "adult.csv",
    name: "adult",
    options: ["--target", "income"],
    notes: [/sex/, /race/],
    source: [/target: "income"/],
    task: "auc",
    atLeast: 0.9,
  },
  {
    file: "california-housing.csv",
    name: "california-housing",
    options: ["--target", "median_house_value"],
    notes: [],
    source: [/total_bedrooms: number\(\{.*missing/],
    task: "r2",
    atLeast: 0.75,
  },
  {
    file: "telco-churn.csv",
    name: "telco-churn",
    options: ["--target", "Churn"],
    notes: [/customerID/],
    source: [/id: "customerID"/, /TotalCharges: number\(\{.*missing/],
    task: "auc",
    atLeast: 0.8,
  },
  {
    file: "titanic.csv",
    name: "titanic",
    options: ["--target", "survived"],
    notes: [/alive/, /sex/],
    source: [/alive: "drop"/],
    task: "auc",
    atLeast: 0.75,
  },
  {
    file: "taxis.csv",
    name: "taxis",
    options: ["--target", "tip"],
    notes: [/dropoff/],
    source: [/pickup: timestamp\(/, /dropoff: "drop"/],
    task: "r2",
    atLeast: 0.2,
  },
  {
    file: "compas-two-years.csv",
    name: "compas-two-years",
    options: ["--target", "two_year_recid"],
    notes: [/is_recid/, /race/],
    source: [/is_recid: "drop"/],
    task: "auc",
    atLeast: 0.6,
  },
  {
    file: "sms-spam.tsv",
    name: "sms-spam",
    options: ["--columns", "label,text", "--target", "label"],
    notes: [],
    source: [/text: text\(/, /columns: \["label", "text"\]/],
    task: "auc",
    atLeast: 0.95,
  },
];

describe.skipIf(!isPresent)("init and run of well-known files, unmodified", () => {
  let project: Project;
  const sources = new Map<string, string>();
  const notes = new Map<string, readonly string[]>();

  beforeAll(async () => {
    project = createProject();
    for (const { file, name, options } of datasets) {
      const answer = await project.run("init", path.join(data, file), ...options, "--json");
      expect(answer.code, answer.stdout).toBe(0);
      notes.set(name, answer.json<{ notes: readonly string[] }>().notes);
      sources.set(name, fs.readFileSync(project.path(`pipelines/${name}.ts`), "utf8"));
    }
  });
  afterAll(() => project.remove());

  it("writes TypeScript that the strict compiler accepts", () => {
    const config = {
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: true,
        module: "nodenext",
        target: "es2023",
        types: ["node"],
        typeRoots: [path.join(checkout, "node_modules", "@types")],
        paths: { millrace: [path.join(dist, "index.d.ts")] },
      },
      include: ["pipelines"],
    };
    project.write("tsconfig.json", JSON.stringify(config));
    project.write("package.json", '{ "type": "module" }');
    expect(outputOf("tsc", ["-p", project.root])).toBe("");
  });

  it("writes it as the formatter would", () => {
    const config = path.join(checkout, ".oxfmtrc.json");
    outputOf("oxfmt", ["-c", config, "--write", project.path("pipelines")]);
    for (const [name, source] of sources)
      expect(fs.readFileSync(project.path(`pipelines/${name}.ts`), "utf8"), name).toBe(source);
  });

  it.each(datasets)("$name: names what a person must decide, runs, and predicts well", async (dataset) => {
    const { name, task } = dataset;
    for (const pattern of dataset.notes) expect(notes.get(name)!.join("\n")).toMatch(pattern);
    for (const pattern of dataset.source) expect(sources.get(name)).toMatch(pattern);
    const answer = await project.run("run", name, "--json");
    const ran = answer.json<{ report: { metrics: Record<string, number> }; audit: object; verdict: object }>();
    expect(answer.code, answer.stdout.slice(-3000)).toBe(0);
    expect(ran.report.metrics[task]).toBeGreaterThan(dataset.atLeast);
  });
});

/** What a tool of the checkout says; it says nothing when all is well. */
function outputOf(tool: string, args: readonly string[]): string {
  try {
    return execFileSync(path.join(checkout, "node_modules", ".bin", tool), args, {
      encoding: "utf8",
      cwd: checkout,
    }).trim();
  } catch (error) {
    return `${(error as { stdout: string }).stdout}${(error as { stderr: string }).stderr}`;
  }
}
