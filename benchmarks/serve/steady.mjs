// Sends requests at a steady rate over keep-alive connections and holds every answer against what the version it names
// answers. A latency begins when a request was due, so that a server that stalls is charged for all that waited. Prints JSON.
// Usage: steady.mjs URL BODY_FILE ANSWERS_FILE PER_SECOND SECONDS
import fs from "node:fs";
import http from "node:http";

const [address, bodyFile, answersFile, perSecond, seconds] = process.argv.slice(2);
const bodies = fs.readFileSync(bodyFile, "utf8").trimEnd().split("\n");
/** By version: the answer to each body, as JSON. */
const answers = JSON.parse(fs.readFileSync(answersFile, "utf8"));
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const total = Number(perSecond) * Number(seconds);
const latencies = [];
const failures = {};
const versions = {};
let nDone = 0;

function ask(i, dueAt) {
  const body = bodies[i % bodies.length];
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const request = http.request(address, { method: "POST", agent, headers }, (response) => {
    const parts = [];
    response.on("data", (part) => parts.push(part)).on("error", (error) => end(dueAt, error.code));
    response.on("end", () => end(dueAt, faultOf(response.statusCode, Buffer.concat(parts).toString(), i)));
  });
  request.on("error", (error) => end(dueAt, error.code)).end(body);
}

/** Why an answer counts as failed; null where it is one of a real version. */
function faultOf(status, text, i) {
  if (status !== 200) return `status ${status}`;
  const { version, predictions } = JSON.parse(text);
  versions[version] = (versions[version] ?? 0) + 1;
  return JSON.stringify(predictions) === answers[version]?.[i % bodies.length] ? null : "an answer of no version";
}

function end(dueAt, fault) {
  latencies.push(performance.now() - dueAt);
  if (fault !== null) failures[fault] = (failures[fault] ?? 0) + 1;
  if (++nDone === total) print();
}

function print() {
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(share * latencies.length)];
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  console.log(
    JSON.stringify({
      requests: total,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      mostMs: at(1 - 1e-9),
      failed,
      failures,
      versions,
    }),
  );
  process.exit(0);
}

const begun = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const due = Math.min(total, Math.floor(((performance.now() - begun) * Number(perSecond)) / 1000));
  for (; sent < due; ++sent) ask(sent, begun + (sent * 1000) / Number(perSecond));
  if (sent === total) clearInterval(timer);
}, 1);
