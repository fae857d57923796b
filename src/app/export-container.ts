import fs from "node:fs/promises";
import path from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import {
  commandOf,
  composeOf,
  type Deployment,
  dnsLabel,
  dockerfileText,
  kserveOf,
  kubernetesOf,
} from "../export/container/manifests.ts";
import { bomOf } from "../export/container/sbom.ts";
import { yamlText } from "../export/container/yaml.ts";
import { encodeModel } from "../model/file.ts";
import { isValid } from "../serve/access/key-ring.ts";
import { listKeys, type StoredKey } from "../serve/access/keys.ts";
import { loadVersion } from "./champion.ts";
import { installedPackages } from "./installed-packages.ts";
import { packageVersion } from "./package-version.ts";
import type { Project } from "./project.ts";
import { keysFile, servedFile, type ServedFile } from "./serve-exported.ts";
import { writeWhole } from "./write-whole.ts";

/** What `millrace export docker` wrote. */
export interface ExportedContainer {
  readonly model: string;
  readonly version: number;
  readonly folder: string;
  readonly image: string;
  /** Paths below the folder. */
  readonly files: readonly string[];
  /** What the container runs. */
  readonly command: readonly string[];
  /** Names of the keys it takes. */
  readonly keys: readonly string[];
}

export interface ContainerOptions {
  readonly out: string;
  /** A tarball of this package (npm pack), for where the registry has none of this version. */
  readonly tarball: string | undefined;
}

/**
 * Writes a folder from which a container of one version is built, with manifests for Compose, Kubernetes and KServe and its
 * bill of materials. Throws USAGE where no key is valid: a container listens beyond its machine.
 */
export async function exportContainer(
  project: Project,
  name: string,
  wanted: number | undefined,
  { out, tarball }: ContainerOptions,
): Promise<ExportedContainer> {
  const { model, version } = await loadVersion(project, name, wanted);
  const keys = await validKeys(project);
  await requireOwn(out);
  const label = dnsLabel(name);
  const deployment: Deployment = { name: label, image: `${label}:${version.version}`, version: version.version };
  const file = `${label}.model`;
  const contained = { name, version: version.version, digest: version.digest };
  const served: ServedFile = { models: [{ ...contained, file, metrics: jsonNumbers(version.metrics) }] };
  const texts: Readonly<Record<string, string>> = {
    ...manifestsOf(deployment, tarball !== undefined),
    "sbom.cdx.json": pretty(bomOf(installedPackages(), [contained])),
    [`served/${servedFile}`]: pretty(served as unknown as JsonValue),
    [`served/${keysFile}`]: pretty({ keys } as unknown as JsonValue),
  };
  await fs.mkdir(path.join(out, "served"), { recursive: true });
  for (const [place, text] of Object.entries(texts)) await writeWhole(path.join(out, place), text);
  await writeWhole(path.join(out, "served", file), encodeModel(model));
  if (tarball !== undefined) await fs.copyFile(tarball, path.join(out, "millrace.tgz"));
  const files = [...Object.keys(texts), `served/${file}`, ...(tarball === undefined ? [] : ["millrace.tgz"])].sort();
  return {
    model: name,
    version: version.version,
    folder: out,
    image: deployment.image,
    files,
    command: commandOf(deployment),
    keys: keys.map((key) => key.name),
  };
}

async function validKeys(project: Project): Promise<readonly StoredKey[]> {
  const keys = (await listKeys(project.store)).filter((key) => isValid(key, project.clock.now()));
  if (keys.length > 0) return keys;
  throw new MillraceError("USAGE", {
    reason: "a container listens beyond its machine and answers only who has a key, and there is none",
    help: "Make one with `millrace keys add NAME --role predict`.",
  });
}

function manifestsOf(deployment: Deployment, hasTarball: boolean): Readonly<Record<string, string>> {
  return {
    Dockerfile: dockerfileText(deployment, hasTarball),
    ".dockerignore": "*\n!package.json\n!millrace.tgz\n!served\n",
    "package.json": pretty({
      name: `${deployment.name}-container`,
      private: true,
      type: "module",
      dependencies: { millrace: hasTarball ? "file:millrace.tgz" : packageVersion() },
    }),
    "compose.yaml": yamlText(composeOf(deployment)),
    "kubernetes.yaml": kubernetesOf(deployment).map(yamlText).join("---\n"),
    "kserve.yaml": yamlText(kserveOf(deployment)),
  };
}

/** Throws USAGE where the folder holds what no export wrote: nothing of anybody's is overwritten. */
async function requireOwn(folder: string): Promise<void> {
  const names = await fs.readdir(folder).catch((): string[] => []);
  if (names.length > 0 && !names.includes("served"))
    throw new MillraceError("USAGE", { reason: `the folder "${folder}" is not empty and no earlier export` });
}

function jsonNumbers(metrics: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}

function pretty(value: JsonValue): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
