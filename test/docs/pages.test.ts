import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { verbs } from "../../src/cli/verbs.ts";
import * as surface from "../../src/index.ts";
import { metricsOf, type MetricsByTask } from "../../src/metrics/metric-names.ts";
import { optionNames } from "../../src/pipeline/definition.ts";
import * as runtime from "../../src/runtime.ts";

const root = path.resolve(import.meta.dirname, "../..");
const markdownIn = (folder: string): string[] =>
  fs
    .readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.join(folder, name));
const examples = ["flight-delays", "house-prices", "spam"].map((name) => path.join("examples", name));
const pages = [".", "docs", "docs/decisions", "benchmarks", ...examples].flatMap(markdownIn);
const read = (page: string): string => fs.readFileSync(path.join(root, page), "utf8");
const code = (text: string): string[] =>
  [...text.matchAll(/```[^\n]*\n([\s\S]*?)```|`([^`\n]+)`/g)].map((match) => match[1] ?? match[2]!);

/** The anchors that a page's headings get on GitHub. */
const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );

describe("the documents", () => {
  it.each(pages)("%s links to pages and headings that are there", (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map((match) => match[1]!);
    const broken = links.filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? page : path.join(path.dirname(page), file);
      if (!fs.existsSync(path.join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("call verbs and options that there are", async () => {
    const known = new Map<string, string>();
    for (const { name, load } of verbs)
      known.set(name, [...(await load()).options.map(([flags]) => flags), "--json --project --help"].join(" "));
    const calls = pages.flatMap((page) =>
      code(read(page))
        .flatMap((text) => text.split("\n"))
        .flatMap((line) => [...line.matchAll(/(?<![\w/-])millrace ([a-z]+)([^#|>&;]*)/g)])
        .map(([call, verb = "", rest = ""]) => ({ page, call, verb, options: rest.match(/(?<!\S)--[a-z-]+/g) ?? [] })),
    );
    expect(calls.length).toBeGreaterThan(100);
    const wrong = calls.filter(({ verb, options }) => {
      const flags: readonly string[] = known.get(verb)?.match(/--[a-z-]+/g) ?? [];
      return !known.has(verb) || options.some((option) => !flags.includes(option));
    });
    expect(wrong).toEqual([]);
  });

  const docs = markdownIn("docs")
    .flatMap((page) => code(read(page)))
    .join("\n");
  const unnamed = (names: readonly string[], text = docs): string[] =>
    names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text));

  it("name everything that can be imported", () => {
    expect(unnamed([...Object.keys(surface), ...Object.keys(runtime)])).toEqual([]);
  });

  it("name every option of pipeline() and every metric", () => {
    const page = code(read("docs/pipeline.md")).join("\n");
    expect(unnamed(Object.keys(optionNames), page)).toEqual([]);
    const tasks: Record<keyof MetricsByTask, true> = {
      regression: true,
      binary: true,
      multiclass: true,
      ranking: true,
      clustering: true,
      anomaly: true,
    };
    const metrics = Object.keys(tasks).flatMap((task) => metricsOf(task as keyof MetricsByTask));
    expect(unnamed(metrics, page)).toEqual([]);
  });
});
