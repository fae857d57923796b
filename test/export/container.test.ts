import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPackages } from "../../src/app/installed-packages.ts";
import type { ExportedContainer } from "../../src/app/export-container.ts";
import { createProject, dist, expectRefusal, isBuilt, type Project } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";

/** A root of its own needs the right to mount: that of a container's builder, and of CI. */
const canMount = isBuilt && spawnSync("unshare", ["--mount", "true"]).status === 0;
if (isBuilt && !canMount)
  console.warn("SKIPPED: this user may not mount, so the container's command is not run in a root of its own");

/** A Python with the schemas (its packages: validate_manifests.py). */
const python = process.env["MILLRACE_SCHEMAS_PYTHON"];
if (isBuilt && python === undefined)
  console.warn(
    "SKIPPED: MILLRACE_SCHEMAS_PYTHON names no Python with the schemas of Kubernetes, KServe, Compose and CycloneDX",
  );

let project: Project;
let key = "";
beforeAll(async () => {
  if (!isBuilt) return;
  project = createProject();
  project.write("data/houses.csv", houses(150));
  project.pipeline("houses", housePipeline());
  await project.run("run", "houses");
  expectRefusal(await project.run("export", "docker", "houses", "-o", "deploy", "--json"), "USAGE", 2, "keys add");
  key = (await project.run("keys", "add", "shop", "--role", "predict", "--json")).json<{ key: string }>().key;
});
afterAll(() => project?.remove());

async function exported(folder: string): Promise<ExportedContainer> {
  const answer = await project.run("export", "docker", "houses", "-o", folder, "--json");
  expect(answer.code, answer.stdout + answer.stderr).toBe(0);
  return answer.json<ExportedContainer & Record<string, never>>();
}

/** Lays the file system of the image out: packages as npm would install them, what the Dockerfile copies, and Node's own libraries. */
function layOut(root: string, folder: string): void {
  const modules = path.join(root, "app", "node_modules");
  const checkout = path.dirname(dist);
  for (const { name } of installedPackages().slice(1)) {
    const target = path.join(modules, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (!fs.existsSync(target)) fs.cpSync(path.join(checkout, "node_modules", name), target, { recursive: true });
  }
  fs.mkdirSync(path.join(modules, "millrace"), { recursive: true });
  fs.cpSync(dist, path.join(modules, "millrace", "dist"), { recursive: true });
  fs.copyFileSync(path.join(checkout, "package.json"), path.join(modules, "millrace", "package.json"));
  fs.cpSync(path.join(folder, "served"), path.join(root, "app", "served"), { recursive: true });
  for (const place of ["usr", "lib", "lib64", "bin", "dev", "tmp"])
    fs.mkdirSync(path.join(root, place), { recursive: true });
}

/** Runs inside the root, beside the server: what the server answers, and what a process there may not do. */
const probe = `
const ask = (headers) => fetch("http://127.0.0.1:8080/v1/models/houses/predict", {
  method: "POST", headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify({ rows: [{ id: "x", area: 51.5, place: "west" }] }),
});
const { writeFileSync } = await import("node:fs");
let wrote = "written";
try { writeFileSync("/app/x", ""); } catch (error) { wrote = error.code; }
const answer = await ask({ authorization: "Bearer " + process.env.KEY });
console.log(JSON.stringify({
  uid: process.getuid(), wrote, stranger: (await ask({})).status, status: answer.status, body: await answer.json(),
}));
`;

describe.skipIf(!isBuilt)("millrace export docker", () => {
  it("writes everything a container is built and run from, and the same again", async () => {
    const done = await exported("deploy");
    expect(done).toMatchObject({ model: "houses", version: 1, image: "houses:1", keys: ["shop"] });
    const read = (): string[] => done.files.map((file) => fs.readFileSync(project.path(`deploy/${file}`), "hex"));
    const first = read();
    expect(await exported("deploy")).toEqual(done);
    expect(read()).toEqual(first);
    expect(fs.readFileSync(project.path("deploy/served/keys.json"), "utf8")).not.toContain(key.slice(-20));
    project.write("mine/notes.txt", "x");
    const refused = await project.run("export", "docker", "houses", "-o", "mine", "--json");
    expectRefusal(refused, "USAGE", 2, "not empty");
  });

  it("refuses to serve a model that is not the one exported", async () => {
    await exported("damaged");
    const file = project.path("damaged/served/houses.model");
    const bytes = fs.readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    fs.writeFileSync(file, bytes);
    const answer = await project.run("serve", "--exported", "damaged/served", "--port", "0", "--json");
    expectRefusal(answer, "MODEL_FILE_DAMAGED", 1, "houses.model");
    expectRefusal(await project.run("serve", "--exported", "data", "--json"), "USAGE", 2, "export docker");
  });

  it.skipIf(python === undefined)("keeps to the schemas of Kubernetes, KServe, Compose and CycloneDX", async () => {
    await exported("deploy");
    const script = path.resolve("test", "export", "validate_manifests.py");
    const { status, stdout, stderr } = spawnSync(python!, [script, project.path("deploy")], { encoding: "utf8" });
    expect([status, stdout], stderr).toEqual([0, expect.stringMatching(/^valid: 1 container, with(out)? KServe/)]);
    if (stdout.includes("without"))
      console.warn("SKIPPED: MILLRACE_SCHEMAS_PYTHON has no kserve: its own schema is not asked");
  });

  it.skipIf(!canMount)("runs its very command in a root of its own, without rights and unable to write", async () => {
    const { command } = await exported("deploy");
    const dockerfile = fs.readFileSync(project.path("deploy/Dockerfile"), "utf8");
    const jsonOf = (word: string): string[] =>
      JSON.parse(new RegExp(`${word} (\\[.*\\])$`, "m").exec(dockerfile)![1]!) as string[];
    expect([...jsonOf("^ENTRYPOINT"), ...jsonOf("^CMD")]).toEqual(command);
    const root = project.path("root");
    layOut(root, project.path("deploy"));
    fs.writeFileSync(path.join(root, "probe.mjs"), probe);
    const quoted = (words: readonly string[]): string =>
      words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const inside = `chroot --userspec=1000:1000 ${root} /usr/bin/env -i PATH=/usr/bin NODE_ENV=production KEY='${key}'`;
    const mounts = ["usr", "lib", "lib64", "bin", "dev"].map((place) => `mount --rbind /${place} ${root}/${place}`);
    const script = [
      "set -e",
      `mount --bind ${root} ${root}`,
      ...mounts,
      `mount -o remount,bind,ro ${root}`,
      `${inside} ${quoted(command)} > ${project.path("server.log")} 2>&1 &`,
      "server=$!",
      // The health check of the image, until it says yes.
      `for i in $(seq 100); do ${inside} ${quoted(jsonOf("HEALTHCHECK .* CMD"))} && break; sleep 0.2; done`,
      `${inside} node /probe.mjs`,
      "kill -TERM $server; wait $server; echo ended $?",
    ];
    const isolated =
      spawnSync("ip", ["-V"]).status === 0
        ? ["--net", "sh", "-c", `ip link set lo up; ${script.join("\n")}`]
        : ["sh", "-c", script.join("\n")];
    const { stdout, stderr } = spawnSync("unshare", ["--mount", ...isolated], { encoding: "utf8" });
    const log = fs.readFileSync(project.path("server.log"), "utf8");
    const [said, ended] = stdout.trim().split("\n").slice(-2);
    expect(ended, stderr + log).toBe("ended 0");
    const asked = await project.run("predict", "houses", "--row", '{"id":"x","area":51.5,"place":"west"}', "--json");
    const { prediction } = asked.json<{ prediction: number } & Record<string, never>>();
    expect(JSON.parse(said!)).toMatchObject({
      uid: 1000,
      wrote: "EROFS",
      stranger: 401,
      status: 200,
      body: { model: "houses", version: 1, predictions: [prediction] },
    });
  });
});
