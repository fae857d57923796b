import type { Digest } from "../../core/digest.ts";
import type { JsonObject } from "../../core/json.ts";

/** An installed package. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** As its package.json says: an SPDX expression, or null. */
  readonly license: string | null;
  /** Names and versions ("name@version") of what it needs. */
  readonly needs: readonly string[];
}

export interface ContainedModel {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
}

/**
 * The bill of materials of a container, CycloneDX 1.5: the models with their digests and every package. Without time and
 * serial number, so that equal contents give equal files.
 */
export function bomOf(packages: readonly Package[], models: readonly ContainedModel[]): JsonObject {
  const [root] = packages;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    components: [
      ...models.map(({ name, version, digest }) => ({
        type: "machine-learning-model",
        "bom-ref": `model:${name}@${version}`,
        name,
        version: String(version),
        hashes: [{ alg: "SHA-256", content: digest.slice("sha256:".length) }],
      })),
      ...packages.map(({ name, version, license }) => ({
        type: "library",
        "bom-ref": purlOf(name, version),
        name,
        version,
        purl: purlOf(name, version),
        ...(license !== null && { licenses: [licenseOf(license)] }),
      })),
    ],
    dependencies: [
      ...models.map(({ name, version }) => ({
        ref: `model:${name}@${version}`,
        dependsOn: root ? [purlOf(root.name, root.version)] : [],
      })),
      ...packages.map(({ name, version, needs }) => ({
        ref: purlOf(name, version),
        dependsOn: [...new Set(needs)].sort().map((need) => {
          const at = need.lastIndexOf("@");
          return purlOf(need.slice(0, at), need.slice(at + 1));
        }),
      })),
    ],
  };
}

/** "MIT" is an id; "(MIT OR CC0-1.0)" is an expression; anything else is a name. */
function licenseOf(text: string): JsonObject {
  if (/^[A-Za-z0-9.+-]+$/.test(text) && text !== "UNLICENSED") return { license: { id: text } };
  return / (OR|AND|WITH) /.test(text) ? { expression: text } : { license: { name: text } };
}

function purlOf(name: string, version: string): string {
  const [scope, rest] = name.startsWith("@") ? name.split("/") : [null, name];
  return `pkg:npm/${scope === null ? "" : `${encodeURIComponent(scope!)}/`}${rest}@${version}`;
}
