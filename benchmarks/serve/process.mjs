// Runs the built command and its server for scenarios that look at them from outside.
import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../tools/setup.mjs";

export const cli = path.join(process.env.MILLRACE_DIST ?? path.join(root, "dist"), "cli", "main.js");

/** A module of the build, such as "core/clock.js". */
export const ours = (file) => import(pathToFileURL(path.join(path.dirname(path.dirname(cli)), file)));

/** What a command answers as JSON. */
export const millrace = (folder, ...args) =>
  JSON.parse(execFileSync(process.execPath, [cli, ...args, "--json"], { cwd: folder, encoding: "utf8" }));

/** Serves the project in `folder` on a free port while `use(url)` runs. */
export function withServer(folder, use, ...args) {
  return withProcess(process.execPath, [cli, "serve", "--port", "0", "--json", ...args], folder, jsonAddress, use);
}

const jsonAddress = (said) => (said.includes("\n}\n") ? JSON.parse(said).url : null);

/** The address that a server prints as a line of its own. */
export const printedAddress = (said) => /^http\S+(?=\n)/m.exec(said)?.[0] ?? null;

/** Resolves once what a server printed says where it listens. */
export function listeningUrl(server, isListening = jsonAddress) {
  let said = "";
  return new Promise((resolve, reject) => {
    server.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
      const found = isListening(said);
      if (found !== null) resolve(found);
    });
    server.once("exit", (code) => reject(new Error(`the server ended with exit code ${code}`)));
  });
}

/** Starts a server, waits until what it printed says where it listens, and ends it when `use(url, pid)` has. */
export async function withProcess(command, args, folder, isListening, use) {
  const server = spawn(command, args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  try {
    return await use(await listeningUrl(server, isListening), server.pid);
  } finally {
    server.kill("SIGTERM");
  }
}
