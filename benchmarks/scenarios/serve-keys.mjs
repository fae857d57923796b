// Keys at length: none of 1,000 is found in plain anywhere, and how long a wrong one takes tells nothing of the right one.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { cli, ours } from "../serve/process.mjs";

const nKeys = Number(process.env.MILLRACE_KEYS ?? 1000);
const nTries = Number(process.env.MILLRACE_KEY_TRIES ?? 1_000_000);
/** Of Welch's t between the times of two kinds of wrong keys: what tests of leaking times take for a signal. */
const signal = 4.5;

export async function run() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-keys-"));
  try {
    const texts = await makeKeys(folder);
    const said = await askWithEach(folder, texts);
    const nFound = countFound(folder, said, texts);
    console.log(`  ${nKeys} keys: ${nFound} found in files, answers and output (at most 0)`);
    const t = await timeWrongKeys();
    console.log(`  ${nTries} wrong keys: t = ${t.toFixed(2)} (within ${signal})`);
    return nFound === 0 && Math.abs(t) < signal ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function makeKeys(folder) {
  const { systemClock: clock } = await ours("core/clock.js");
  const { openProject } = await ours("app/project.js");
  const { addKey } = await ours("serve/access/keys.js");
  const project = await openProject(folder, { clock });
  const texts = [];
  for (let i = 0; i < nKeys; ++i) {
    const key = { name: `key ${i}`, role: "admin", expiresAt: null, by: "bench" };
    texts.push((await addKey(project.store, clock, key)).text);
  }
  await project.close();
  return texts;
}

/** Asks a server with each key, whole and altered; gives all that it printed and answered. */
async function askWithEach(folder, texts) {
  const server = spawn(process.execPath, [cli, "serve", "--port", "0"], { cwd: folder });
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  const url = await new Promise((resolve, reject) => {
    server.stdout.on("data", () => /http:\/\/\S+:\d+/.test(said) && resolve(/http:\/\/\S+:\d+/.exec(said)[0]));
    server.once("exit", () => reject(new Error(said)));
  });
  let answered = "";
  for (const text of texts)
    for (const key of [text, `${text}x`]) {
      const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
      if (key === text && answer.status !== 200) throw new Error(`a good key was answered ${answer.status}`);
      answered += JSON.stringify([...answer.headers]) + (await answer.text());
    }
  answered += execFileSync(process.execPath, [cli, "keys", "--json"], { cwd: folder, encoding: "utf8" });
  const isOver = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await isOver;
  return said + answered;
}

/** How many keys' secrets stand in a file below the folder or in the text, as they are or in hexadecimal. */
function countFound(folder, said, texts) {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const held = [
    said,
    ...files.map((file) => fs.readFileSync(path.join(file.parentPath ?? file.path, file.name), "latin1")),
  ];
  const ids = texts.filter((text) => held.some((one) => one.includes(text.split("_")[1])));
  if (ids.length !== texts.length)
    throw new Error("the keys' ids are not found where they must be: nothing was looked at");
  return texts.filter((text) => {
    const secret = text.slice("mrk_".length + 13);
    const bytes = Buffer.from(secret, "base64url");
    const forms = [secret, bytes.toString("hex"), bytes.toString("base64"), bytes.toString("latin1")];
    return held.some((one) => forms.some((form) => one.includes(form)));
  }).length;
}

/** Welch's t between the times that a nearly right key and random ones take, in random order; the slowest hundredth is noise. */
async function timeWrongKeys() {
  const { fixedClock } = await ours("core/clock.js");
  const { keyRing } = await ours("serve/access/key-ring.js");
  const { formatKey, hashSecret, newKey, newSalt } = await ours("serve/access/key-text.js");
  const { id, secret } = newKey();
  const salt = newSalt();
  const record = {
    id,
    name: "k",
    role: "admin",
    salt,
    hash: hashSecret(secret, salt),
    revokedAt: null,
    expiresAt: null,
  };
  const ring = keyRing([record], fixedClock(0));
  if (!ring.holderOf(formatKey({ id, secret }))) throw new Error("the right key opens nothing");
  const nearly = `${secret.slice(0, -1)}${secret.endsWith("A") ? "E" : "A"}`;
  // All made beforehand and in the same way: what is done between two tries would be what is measured.
  const kinds = [() => nearly, () => randomBytes(32).toString("base64url")].map((secretOf) =>
    Array.from({ length: 4096 }, () => Buffer.from(formatKey({ id, secret: secretOf() })).toString("latin1")),
  );
  const times = [[], []];
  const coins = randomBytes(nTries);
  for (let i = 0; i < nTries; ++i) {
    const kind = coins[i] & 1;
    const text = kinds[kind][i % 4096];
    const start = process.hrtime.bigint();
    ring.holderOf(text);
    times[kind].push(Number(process.hrtime.bigint() - start));
  }
  const limit = [...times[0], ...times[1]].sort((a, b) => a - b)[Math.floor(0.99 * nTries)];
  const [a, b] = times.map((all) => moments(all.filter((time) => time <= limit)));
  return (a.mean - b.mean) / Math.sqrt(a.variance / a.n + b.variance / b.n);
}

function moments(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { n: values.length, mean, variance };
}
