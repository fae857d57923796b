// Keeps sockets open that begin a request and never end its headers, each opened anew when the server cuts it. In a process of
// its own: what they cost here must not be taken for what a good client waits. On a line of standard input prints how many
// were open on average, and ends. Usage: silent.mjs URL SOCKETS
import net from "node:net";

const [address, nSilent] = process.argv.slice(2);
const url = new URL(address);
const sockets = new Set();
const counts = [];

function openOne() {
  const socket = net.connect(Number(url.port), url.hostname);
  socket.on("error", () => {}).write(`POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nx-slow: `);
  const drip = setInterval(() => socket.writable && socket.write("a"), 1000);
  sockets.add(socket.resume());
  socket.once("close", () => {
    clearInterval(drip);
    sockets.delete(socket);
    // Not at once: where the server takes none, this would turn forever.
    setTimeout(openOne, 10);
  });
}

for (let i = 0; i < Number(nSilent); ++i) openOne();
setInterval(() => counts.push([...sockets].filter((one) => one.readyState === "open").length), 250);
process.stdin.once("data", () => {
  console.log(counts.reduce((sum, count) => sum + count, 0) / counts.length);
  process.exit(0);
});
