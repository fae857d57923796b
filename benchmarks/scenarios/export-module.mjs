// An exported module beside the server of the same version: the same bits on 100,000 rows, its size, and how long it takes to start.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { machine, median } from "../interleave.mjs";
import { millrace, withServer } from "../serve/process.mjs";

const mostCodeBytes = 60_000;
const mostStartMs = 15;
const nRows = 100_000;
const rowsARequest = 1000;

const definition = `
import { boosting, boolean, category, csv, number, pipeline, text, timestamp } from "millrace";
export default pipeline({
  name: "orders",
  data: csv("orders.csv"),
  schema: {
    amount: number({ missing: 1 }), items: number({ min: 0 }), country: category({ missing: 1 }), first: boolean(),
    placed: timestamp(), note: text({ missing: 1 }), late: category(["no", "yes"]),
  },
  target: "late",
  features: (c) => ({ each: c.amount.div(c.items) }),
  model: boosting({ trees: 100, leaves: 31, earlyStopping: 0 }),
});
`;

const words = ["gift", "urgent", "please", "ring", "twice", "fragile", "door"];
const countries = ["AT", "DE", "FR", "PL", "__proto__", 'o"dd'];

/** xorshift: the scenario sees the same rows in every run. */
function numbers(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function order(next) {
  const items = Math.floor(9 * next());
  return {
    amount: next() < 0.1 ? null : Math.round(1e5 * next() ** 3) / 100,
    items,
    country: next() < 0.1 ? null : countries[Math.floor(countries.length * next())],
    first: next() < 0.3,
    placed: new Date(1.6e12 + Math.floor(1e11 * next())).toISOString(),
    note: next() < 0.2 ? null : Array.from({ length: 3 }, () => words[Math.floor(words.length * next())]).join(" "),
  };
}

function csvOf(n, next) {
  const lines = ["amount,items,country,first,placed,note,late"];
  for (let i = 0; i < n; ++i) {
    const row = order(next);
    const late = next() < 0.1 + 0.08 * row.items + (row.first ? 0.2 : 0) ? "yes" : "no";
    const cells = [...Object.values(row), late].map((cell) =>
      cell === null ? "" : `"${String(cell).replaceAll('"', '""')}"`,
    );
    lines.push(cells.join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** Rows whose answers differ between module and server. */
async function differences(url, predictMany) {
  const next = numbers(99);
  let differing = 0;
  for (let done = 0; done < nRows; done += rowsARequest) {
    const rows = Array.from({ length: rowsARequest }, () => order(next));
    const response = await fetch(`${url}/v1/models/orders/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows }),
    });
    if (!response.ok) throw new Error(await response.text());
    const { predictions } = await response.json();
    const own = predictMany(rows);
    // JSON writes every double so that reading it gives the same bits.
    for (const [i, answer] of predictions.entries())
      differing += Number(JSON.stringify(answer) !== JSON.stringify(own[i]));
  }
  return differing;
}

/** What a fresh process takes from before the import to the first answer; the start of Node itself is not in it. */
function coldStartMs(folder, row, rounds) {
  const file = path.join(folder, "cold.mjs");
  const lines = [
    "const start = performance.now();",
    'const { predict } = await import("./orders.mjs");',
    `predict(${row});`,
    "console.log(performance.now() - start);",
  ];
  fs.writeFileSync(file, lines.join("\n"));
  return median(
    Array.from({ length: rounds }, () => Number(execFileSync(process.execPath, [file], { encoding: "utf8" }))),
  );
}

export async function run({ rounds = 21 }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-export-"));
  try {
    fs.mkdirSync(path.join(folder, "pipelines"));
    fs.writeFileSync(path.join(folder, "pipelines", "orders.ts"), definition);
    fs.writeFileSync(path.join(folder, "orders.csv"), csvOf(20_000, numbers(7)));
    millrace(folder, "run", "orders");
    const done = millrace(folder, "export", "module", "orders", "-o", "orders.mjs");
    const { predictMany } = await import(pathToFileURL(path.join(folder, "orders.mjs")).href);
    const differing = await withServer(folder, (url) => differences(url, predictMany));
    console.log(`${nRows} rows beside the server: ${differing} differ`);
    console.log(`code ${done.runtimeBytes} bytes, module ${done.bytes} bytes; ${machine()}`);
    const row = JSON.stringify(order(numbers(5)));
    const startMs = coldStartMs(folder, row, rounds);
    console.log(
      `import and first answer: ${startMs.toFixed(1)} ms (median of ${rounds} processes; bar ${mostStartMs})`,
    );
    return differing === 0 && done.runtimeBytes < mostCodeBytes && startMs < mostStartMs ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
