// Asks a server for predictions over keep-alive connections, one request at a time on each, and prints as JSON what came of
// it. As little as can be is done here, so that the server is what is measured. Usage: load.mjs URL BODY_FILE CONNECTIONS SECONDS
import fs from "node:fs";
import net from "node:net";

const [address, bodyFile, connections, seconds] = process.argv.slice(2);
const url = new URL(address);
const bodies = fs.readFileSync(bodyFile, "utf8").trimEnd().split("\n");
const requests = bodies.map((body) =>
  Buffer.from(
    `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  ),
);
const warmUpMs = 2000;
const latencies = [];
let failed = 0;
let sent = 0;
let answered = 0;
let isOver = false;
const begun = performance.now();

function connect() {
  const socket = net.connect(Number(url.port), url.hostname).setNoDelay();
  let start = 0;
  let held = Buffer.alloc(0);
  const send = () => {
    start = performance.now();
    socket.write(requests[sent++ % requests.length]);
  };
  socket.on("connect", send).on("data", (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const end = held.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = held.latin1Slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (held.length < end + 4 + length) return;
    held = Buffer.alloc(0);
    const now = performance.now();
    ++answered;
    if (!head.startsWith("HTTP/1.1 200")) ++failed;
    else if (now - begun > warmUpMs) latencies.push(now - start);
    if (isOver) socket.destroy();
    else send();
  });
}

for (let i = 0; i < Number(connections); ++i) connect();
setTimeout(
  () => {
    isOver = true;
    latencies.sort((a, b) => a - b);
    const at = (share) => latencies[Math.floor(share * latencies.length)];
    console.log(
      JSON.stringify({
        perSecond: latencies.length / Number(seconds),
        p50Ms: at(0.5),
        p99Ms: at(0.99),
        failed,
        answered,
      }),
    );
    process.exit(0);
  },
  warmUpMs + 1000 * Number(seconds),
);
