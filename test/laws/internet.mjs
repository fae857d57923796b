// The process that inside-addresses.test.ts isolates: `node internet.mjs DIST FOLDER` fetches the URLs of FOLDER/asked.json
// and says what came of each, and who was connected to.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";

const [dist, folder] = process.argv.slice(2);
const { download } = await import(join(dist, "ingest", "http.js"));
const { publicAddress, names, urls } = JSON.parse(readFileSync(join(folder, "asked.json"), "utf8"));
const hits = [];
const asked = [];

/** Watches a port of all addresses there are. */
function watch(server, port) {
  server.on("connection", ({ localAddress }) => {
    const address = String(localAddress).replace("::ffff:", "");
    if (address !== publicAddress || port !== 80) hits.push(`${address}:${port}`);
  });
  server.listen(port);
  return once(server, "listening");
}

function answer(request, response) {
  const { pathname, search } = new URL(request.url, "http://x");
  const location = decodeURIComponent(search.slice(1)).replace(/[^ -~]/g, encodeURIComponent);
  if (pathname === "/to") response.writeHead(302, { location }).end();
  else response.end("n\n1\n");
}

const typeA = 1;

/** The next answer to a question for a name's addresses; null where there is no such name. */
function addressesOf(name, type) {
  if (!Object.hasOwn(names, name)) return null;
  if (type !== typeA) return [];
  asked.push(name);
  return names[name].length > 1 ? names[name].shift() : names[name][0];
}

/** RFC 1035, as much of it as a resolver needs: one question, answers that point back to its name. */
function answerQuestion(question) {
  const labels = [];
  let end = 12;
  for (; question[end] > 0; end += 1 + question[end])
    labels.push(question.toString("latin1", end + 1, end + 1 + question[end]));
  const found = addressesOf(labels.join(".").toLowerCase(), question.readUInt16BE(end + 1));
  const head = Buffer.from(question.subarray(0, end + 5));
  head.writeUInt16BE(found === null ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(found?.length ?? 0, 6);
  head.writeUInt32BE(0, 8);
  const records = (found ?? []).map((address) =>
    Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]),
  );
  return Buffer.concat([head, ...records]);
}

const resolver = createSocket("udp4");
resolver.on("message", (question, { port, address }) => resolver.send(answerQuestion(question), port, address));
resolver.bind(53, "127.0.0.1");
await once(resolver, "listening");
for (const port of [80, 8080]) await watch(createHttpServer(answer), port);
for (const port of [21, 70, 443])
  await watch(
    createServer((socket) => socket.destroy()),
    port,
  );

const outcomes = {};
for (const url of urls) {
  const output = join(folder, "fetched");
  const limits = { timeout: "10s" };
  outcomes[url] = await download({ url, limits, output, etag: null }).then(
    () => readFileSync(output, "utf8"),
    (error) => error.code ?? String(error),
  );
}
process.stdout.write(JSON.stringify({ outcomes, hits, asked }), () => process.exit(0));
