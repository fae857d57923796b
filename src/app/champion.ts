import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { decodeInPieces } from "../model/file.ts";
import type { Model } from "../model/model.ts";
import type { ModelVersion } from "../registry/version.ts";
import { inPieces } from "./pieces.ts";
import type { Project } from "./project.ts";

/** A version with its model, checked against its digest and its parity rows. */
export interface VersionedModel {
  readonly version: ModelVersion;
  readonly model: Model;
}

/** The champion of a model, or the version asked for. Throws MODEL_NOT_FOUND, VERSION_NOT_FOUND or CHAMPION_MISSING. */
export async function loadVersion(project: Project, name: string, wanted?: number): Promise<VersionedModel> {
  const versions = await project.registry.versions(name);
  const version =
    wanted === undefined ? await project.registry.champion(name) : versions.find((v) => v.version === wanted);
  if (!version && wanted === undefined) throw new MillraceError("CHAMPION_MISSING", { model: name });
  if (!version) {
    throw new MillraceError("VERSION_NOT_FOUND", {
      model: name,
      version: String(wanted),
      found: versions.map((v) => v.version),
    });
  }
  return { version, model: await loadModel(project, version.digest) };
}

/** A model by its digest, checked against its parity rows; requests are answered meanwhile. */
export async function loadModel({ store, clock }: Project, digest: Digest): Promise<Model> {
  // The store held the bytes against the digest of them all.
  return inPieces(decodeInPieces(await store.artifacts.readBytes(digest), { checkDigests: false }), clock);
}
