import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { RunningServer } from "./running-server.ts";
import { end, freePort, untilUp } from "./server-process.ts";

/** An S3 gateway over a folder, with an empty bucket "mill". */
export interface RunningObjectStore extends RunningServer {
  /** What a process needs in its environment to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  makeBucket(bucket: string): Promise<void>;
  /** Stops the server; what it holds stays, and so does its port. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const keys = { accessKeyId: "access", secretAccessKey: "a secret nobody may print" };

function program(): string | undefined {
  const folders = [
    ...(process.env["PATH"] ?? "").split(path.delimiter),
    process.env["GOBIN"] ?? "",
    path.join(os.homedir(), "go", "bin"),
    path.join(os.tmpdir(), "gobin"),
  ];
  return folders.map((folder) => path.join(folder, "versitygw")).find((file) => fs.existsSync(file));
}

/** versitygw over a fresh folder; undefined where it is not installed. */
export async function startObjectStore(): Promise<RunningObjectStore | undefined> {
  const gateway = program();
  if (gateway === undefined) {
    console.log("versitygw is not installed: the suites of object stores are skipped");
    return undefined;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-objects-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(gateway, ["--port", `127.0.0.1:${port}`, "--quiet", "posix", folder], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
    });
    await untilUp("versitygw", child, () => fetch(url));
    return child;
  };
  let child = await start();
  const makeBucket = async (bucket: string): Promise<void> => {
    const client = new S3Client({ endpoint: url, region: "us-east-1", forcePathStyle: true, credentials: keys });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
  };
  await makeBucket("mill");
  return {
    url,
    environment: {
      AWS_ENDPOINT_URL_S3: url,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_REGION: "us-east-1",
    },
    makeBucket,
    pause: () => end(child),
    async resume() {
      child = await start();
    },
    async stop() {
      await end(child);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
