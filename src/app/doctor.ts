import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { systemClock } from "../core/clock.ts";
import { toMillraceError } from "../core/errors/error.ts";
import { metadataPlace } from "./metadata-place.ts";
import { packageVersion } from "./package-version.ts";

export interface Finding {
  readonly subject: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy?: string;
}

/** Versions and checks of this machine and of the project in `root`. */
export async function examine(root: string): Promise<Finding[]> {
  return [
    { subject: "millrace", ok: true, found: packageVersion() },
    nodeFinding(),
    {
      subject: "platform",
      ok: true,
      found: `${os.platform()} ${os.arch()}, ${os.availableParallelism()} threads, ${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    },
    await attempt("sqlite", async () => {
      const { sqliteVersion } = await import("../store/sqlite.ts");
      return sqliteVersion();
    }),
    await attempt("duckdb", async () => {
      const { default: duckdb } = await import("@duckdb/node-api");
      return duckdb.version();
    }),
    await attempt("disk", () => freeSpace(root)),
    ...(process.env["MILLRACE_ARTIFACTS"] ? [await attempt("artifacts", askBucket)] : []),
    await attempt("project", () => describeStore(root)),
  ];
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { subject: "node", ok, found: process.version, ...(ok ? {} : { remedy: "Install Node 20.19 or newer." }) };
}

async function attempt(subject: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { subject, ok: true, found: await look() };
  } catch (error) {
    const { message, remedy } = toMillraceError(error);
    return { subject, ok: false, found: message, remedy };
  }
}

async function freeSpace(root: string): Promise<string> {
  const { bavail, bsize } = await fs.statfs(root);
  return `${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB free`;
}

/** Asks for an object of the prefix, which shows that it can be reached and read. */
async function askBucket(): Promise<string> {
  const { artifactsPlace } = await import("./artifacts-place.ts");
  const { parseObjectAddress } = await import("../store/objects/address.ts");
  const { connectObjects } = await import("../store/objects/client.ts");
  const place = artifactsPlace()!;
  const { bucket, key } = parseObjectAddress(place, "MILLRACE_ARTIFACTS");
  const objects = await connectObjects({ bucket });
  try {
    const prefix = key === "" || key.endsWith("/") ? key : `${key}/`;
    const found = await objects.head(`${prefix}store.json`);
    return `${place}, ${found ? "in use" : "not used yet"}`;
  } finally {
    objects.close();
  }
}

async function describeStore(root: string): Promise<string> {
  const folder = path.join(root, ".millrace");
  const exists = await fs.stat(folder).then(
    () => true,
    () => false,
  );
  if (!exists && !metadataPlace()) return "no store yet";
  const { openProject } = await import("./project.ts");
  const project = await openProject(root, { clock: systemClock });
  try {
    const models = await project.registry.models();
    const audit = await project.registry.verifyAudit();
    const place = metadataPlace() ? `, in ${project.store.metadata}` : "";
    return `${models.length} models, audit log ${audit.intact ? "intact" : "ALTERED"}${place}`;
  } finally {
    await project.close();
  }
}
