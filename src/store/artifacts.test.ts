import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeArtifacts } from "./artifacts.fixtures.ts";
import { createArtifactStore } from "./artifacts.ts";
import type { ArtifactStore } from "./artifacts.ts";
import { noHooks } from "./hooks.ts";
import { temporaryFolder } from "./store.fixtures.ts";

describeArtifacts("in a folder", async () => {
  const { path: folder, remove } = await temporaryFolder();
  await mkdir(join(folder, "temporary"));
  const open = (): ArtifactStore => createArtifactStore(folder, { hooks: noHooks, identify: async () => "" });
  const artifacts = open();
  return {
    folder,
    artifacts,
    elsewhere: async () => open(),
    damage: (digest, bytes) =>
      bytes === null ? rm(artifacts.pathOf(digest)) : writeFile(artifacts.pathOf(digest), bytes),
    end: remove,
  };
});
