import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createConnection } from "mysql2/promise";
import type { RunningServer } from "./running-server.ts";
import { end, freePort, untilUp } from "./server-process.ts";

const server = ["/usr/sbin/mariadbd", "/usr/sbin/mysqld"].find((file) => fs.existsSync(file));
/** What a new data folder is filled with, as mariadb-install-db would, which needs programs of the client's package. */
const tables = ["system_tables", "performance_tables", "system_tables_data"].map(
  (name) => `/usr/share/mysql/mysql_${name}.sql`,
);

/** A MariaDB server with an empty database "test"; undefined where its programs are not installed. */
export async function startMariadb(): Promise<(RunningServer & { readonly pid: number }) | undefined> {
  if (server === undefined || !tables.every((file) => fs.existsSync(file))) {
    console.log("MariaDB is not installed (mariadbd and its system tables): its suite is skipped");
    return undefined;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-mariadb-"));
  const data = path.join(folder, "data");
  fs.mkdirSync(path.join(data, "mysql"), { recursive: true });
  const user = os.userInfo().username;
  const common = ["--no-defaults", `--datadir=${data}`, `--user=${user}`, "--innodb-buffer-pool-size=32M"];
  const input = [
    "use mysql;",
    "SET @auth_root_socket=NULL;",
    ...tables.map((file) => fs.readFileSync(file, "utf8")),
    "",
  ].join("\n");
  const made = spawnSync(server, [...common, "--bootstrap", "--max-allowed-packet=64M"], { input, encoding: "utf8" });
  if (made.status !== 0) throw new Error(`mariadbd --bootstrap failed: ${made.stderr.slice(-2000)}`);
  const port = await freePort();
  const child = spawn(
    server,
    [
      ...common,
      `--socket=${path.join(folder, "s.sock")}`,
      `--pid-file=${path.join(folder, "pid")}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const url = `mysql://root@127.0.0.1:${port}/test`;
  await untilUp("mariadbd", child, async () => {
    const connection = await createConnection(`mysql://root@127.0.0.1:${port}`);
    await connection.query("CREATE DATABASE IF NOT EXISTS test");
    await connection.end();
  });
  return {
    url,
    pid: child.pid!,
    async stop() {
      await end(child);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
