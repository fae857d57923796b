import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import type { RunningServer } from "./running-server.ts";
import { end, freePort, untilUp } from "./server-process.ts";

/** The newest PostgreSQL that Debian put on this machine. */
function programs(): string | undefined {
  const base = "/usr/lib/postgresql";
  const versions = fs.existsSync(base) ? fs.readdirSync(base) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : path.join(base, newest, "bin");
}

/** PostgreSQL refuses to run as root. */
function asUser(command: string, args: readonly string[]): readonly [string, readonly string[]] {
  if (process.getuid?.() !== 0) return [command, args];
  return ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", command, ...args]];
}

/** A PostgreSQL server with an empty database; undefined where its programs are not installed. */
export async function startPostgres(): Promise<RunningServer | undefined> {
  const bin = programs();
  if (bin === undefined) {
    console.log("PostgreSQL is not installed: its suite is skipped");
    return undefined;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-postgres-"));
  if (process.getuid?.() === 0) spawnSync("chown", ["postgres", folder]);
  const data = path.join(folder, "data");
  const password = path.join(folder, "password");
  fs.writeFileSync(password, "mill\n", { mode: 0o644 });
  const [initdb, initArgs] = asUser(path.join(bin, "initdb"), [
    `--pgdata=${data}`,
    "--username=mill",
    "--auth=scram-sha-256",
    `--pwfile=${password}`,
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C",
  ]);
  const made = spawnSync(initdb, initArgs, { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const [postgres, args] = asUser(path.join(bin, "postgres"), [
    "-D",
    data,
    "-p",
    String(port),
    ...["listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, "fsync=off", "shared_buffers=32MB"].flatMap(
      (setting) => ["-c", setting],
    ),
  ]);
  const child = spawn(postgres, args, { stdio: ["ignore", "ignore", "pipe"] });
  const url = `postgres://mill:mill@127.0.0.1:${port}/postgres`;
  await untilUp("postgres", child, async () => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => {});
    await client.connect();
    await client.end();
  });
  return {
    url,
    async stop() {
      await end(child, "SIGINT");
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
