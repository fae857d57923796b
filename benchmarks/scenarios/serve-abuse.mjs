// What a server bears: bodies without end, broken HTTP, sockets that never end their headers beside a good client, and ten
// times the requests it has places for at once. Each is refused for what it is, the good client is answered, and memory stays bounded.
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { root } from "../../tools/setup.mjs";
import { machine } from "../interleave.mjs";
import { inAdultProject, writeAdultBodies } from "../serve/adult.mjs";
import { withServer } from "../serve/process.mjs";

/** Of each phase. */
const seconds = Number(process.env.MILLRACE_ABUSE_SECONDS ?? 300);
const nSilent = 1000;
/** Ten times the places of a server. */
const nAtOnce = 2560;
const perSecond = 50;
const mostBytes = 512 * 2 ** 20;
const latencyLimit = 3;
const leastShare = 0.999;
const recoveryMs = 5000;

export function run() {
  return inAdultProject("abuse", (folder) => {
    const bodies = fs.readFileSync(writeAdultBodies(folder), "utf8").split("\n");
    return withServer(folder, (url, pid) => abuse(new URL(`${url}/v1/models/adult/predict`), pid, bodies));
  });
}

async function abuse(url, pid, bodies) {
  await askSteadily(url, bodies, 2);
  const peace = await askSteadily(url, bodies, Math.min(seconds, 60));
  const isEachRefused = await refuseAll(url, bodies[0]);
  const silent = openSilent(url);
  const besideSilent = await askSteadily(url, bodies, seconds);
  const nSilentOpen = await silent.close();
  const flood = await overload(url, bodies[0]);
  const backMs = await untilAnswered(url, bodies[0]);
  const after = await askSteadily(url, bodies, 5);
  return judge({ peace, besideSilent, nSilentOpen, after, flood, backMs, isEachRefused, bytes: peakBytes(pid) });
}

/** Opens silent sockets, until `close`, which tells how many were open on average. */
function openSilent(url) {
  const script = path.join(root, "benchmarks", "serve", "silent.mjs");
  const child = spawn(process.execPath, [script, url.href, String(nSilent)], { stdio: ["pipe", "pipe", "inherit"] });
  return {
    async close() {
      child.stdin.end("\n");
      return Number(await text(child.stdout));
    },
  };
}

/** Sends what a server must refuse, and what it must not; whether each was answered as it must be, with nothing of paths or code. */
async function refuseAll(url, body) {
  const post = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\n`;
  const sized = (text) => `${post}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  const inParts = `${post}transfer-encoding: chunked\r\n\r\n`;
  const cases = [
    { name: "a body of 10 GiB", sent: `${post}content-length: ${10 * 2 ** 30}\r\n\r\n[`, wanted: 413 },
    { name: "a body in parts without end", sent: inParts, more: chunk(Buffer.alloc(64 * 1024, "[")), wanted: 413 },
    { name: "100,000 levels of JSON", sent: sized("[".repeat(100_000)), wanted: 413 },
    { name: "a part of no length", sent: `${inParts}zz\r\n{}\r\n`, wanted: 400 },
    { name: "two lengths", sent: `${post}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, wanted: 400 },
    { name: "headers of 20 KiB", sent: `${post}x-long: ${"a".repeat(20_000)}\r\n\r\n`, wanted: 431 },
    { name: "200 requests on one connection", sent: sized(body).repeat(200), wanted: 200, nWanted: 200 },
  ];
  let isGood = true;
  for (const { name, sent, more = null, wanted, nWanted = 1 } of cases) {
    const { statuses, leaks } = await answersTo(url, sent, more, nWanted);
    const isRight = statuses.every((status) => status === wanted) && !leaks;
    // Who sends on when the connection ends may never read the answer.
    isGood &&= isRight && (statuses.length === nWanted || (more !== null && statuses.length === 0));
    const said = [...new Set(statuses)].join(", ") || "cut off";
    console.log(`  ${name}: ${said} (${statuses.length} of ${nWanted}; ${wanted})${leaks ? ", and a leak" : ""}`);
  }
  return isGood;
}

const chunk = (bytes) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

/** The statuses that come back when `head` and then `more`, as long as it is taken, are sent; and whether they tell of paths or code. */
function answersTo(url, head, more = null, nWanted = 1) {
  return new Promise((resolve) => {
    const socket = net.connect(Number(url.port), url.hostname);
    let said = "";
    const statuses = () => [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    const pour = () => {
      for (let isTaken = more !== null; isTaken;) isTaken = socket.writable && socket.write(more);
    };
    const end = () => {
      clearTimeout(limit);
      socket.destroy();
      resolve({ statuses: statuses(), leaks: /\/node_modules\/|\.[jt]s:\d+|\n {4}at |select .* from/i.test(said) });
    };
    const limit = setTimeout(end, 20_000);
    socket.setEncoding("latin1").on("data", (text) => {
      said += text;
      if (statuses().length >= nWanted && nWanted > 1) setTimeout(end, 200);
    });
    socket
      .on("error", () => {})
      .on("drain", pour)
      .once("close", end);
    socket.write(head);
    pour();
  });
}

/** Sends far more requests at once than there are places, again and again: what became of them, by status. */
async function overload(url, body) {
  const statuses = {};
  let withoutRetryAfter = 0;
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const agent = new http.Agent({ maxSockets: Infinity });
    for (const { status, retryAfter } of await Promise.all(
      Array.from({ length: nAtOnce }, () => ask(agent, url, body)),
    )) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 429 && retryAfter === undefined) ++withoutRetryAfter;
    }
    agent.destroy();
  }
  return { statuses, withoutRetryAfter };
}

/** Asks at the rate a good client has. */
async function askSteadily(url, bodies, length) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const begun = performance.now();
  const asked = [];
  for (let i = 0; i < length * perSecond; ++i) {
    const dueAt = begun + (1000 * i) / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())));
    const sentAt = performance.now();
    const answer = ask(agent, url, bodies[i % bodies.length]);
    asked.push(answer.then(({ status }) => ({ status, ms: performance.now() - sentAt })));
  }
  const answers = await Promise.all(asked);
  agent.destroy();
  const latencies = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(share * latencies.length)];
  return {
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    share: answers.filter(({ status }) => status === 200).length / answers.length,
  };
}

function ask(agent, url, body) {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve) => {
    const failed = (error) => resolve({ status: error.code ?? String(error) });
    const request = http.request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().on("error", failed);
      response.on("end", () => resolve({ status: response.statusCode, retryAfter: response.headers["retry-after"] }));
    });
    request.on("error", failed).end(body);
  });
}

async function untilAnswered(url, body) {
  const begun = performance.now();
  const agent = new http.Agent();
  while ((await ask(agent, url, body)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - begun;
}

/** Most memory a process held so far, as Linux tells it; NaN elsewhere. */
function peakBytes(pid) {
  const file = `/proc/${pid}/status`;
  return fs.existsSync(file) ? 1024 * Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(file, "utf8"))?.[1]) : NaN;
}

function judge({ peace, besideSilent, nSilentOpen, after, flood, backMs, isEachRefused, bytes }) {
  console.log(
    `${perSecond} good requests a second, ${seconds} s a phase; ${machine()}, load ${os.loadavg()[0].toFixed(1)}`,
  );
  for (const [name, one] of Object.entries({ peace, besideSilent, after }))
    console.log(
      `  ${name.padEnd(12)} p50 ${one.p50Ms.toFixed(2)} ms  p99 ${one.p99Ms.toFixed(2)} ms  answered ${(100 * one.share).toFixed(2)} %`,
    );
  const ratio = besideSilent.p99Ms / peace.p99Ms;
  console.log(
    `  p99 beside ${nSilentOpen.toFixed(0)} silent sockets (${nSilent} wanted): ${ratio.toFixed(2)} of that in peace (at most ${latencyLimit})`,
  );
  console.log(
    `  ${nAtOnce} requests at once, again and again: ${JSON.stringify(flood.statuses)}, ${flood.withoutRetryAfter} refused without Retry-After`,
  );
  console.log(
    `  answered again ${backMs.toFixed(0)} ms after it (at most ${recoveryMs}); peak memory ${(bytes / 2 ** 20).toFixed(0)} MiB (at most 512)`,
  );
  // Nothing but an answer, or the word that there is no place.
  const isWhole = Object.keys(flood.statuses).every((status) => status === "200" || status === "429");
  const isGood = isWhole && besideSilent.share >= leastShare && after.share >= leastShare && ratio <= latencyLimit;
  return isGood && isEachRefused && flood.withoutRetryAfter === 0 && backMs <= recoveryMs && bytes < mostBytes ? 0 : 1;
}
