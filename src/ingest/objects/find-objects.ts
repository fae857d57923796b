import { MillraceError } from "../../core/errors/error.ts";
import { nearestName } from "../../core/nearest.ts";
import { type ObjectAddress, parseObjectAddress } from "../../store/objects/address.ts";
import type { ObjectFacts, ObjectStore } from "../../store/objects/client.ts";
import { type FoundFile, mostFiles, partitionOf, patternOf, tooMany } from "../expand.ts";

/** An object that an address stands for. */
export interface FoundObject {
  readonly facts: ObjectFacts;
  readonly partition: FoundFile["partition"];
}

const siblingsAsked = 500;

/** The bucket of a source's path and what comes after it. */
export function objectAddressOf(path: string): ObjectAddress {
  return parseObjectAddress(path, "the path of a source");
}

/**
 * The objects that an address stands for, sorted by key: one object, all below a prefix whose keys end as the format
 * asks, or all that fit a pattern. `*` and `?` stay within a level, `**` crosses levels; names that start with "." or "_"
 * are left out of prefixes and patterns.
 *
 * Throws SOURCE_NOT_FOUND with the nearest key beside it, SOURCE_EMPTY, SOURCE_UNREADABLE for more than 100,000.
 */
export async function findObjects(
  objects: ObjectStore,
  path: string,
  endings: RegExp,
  signal?: AbortSignal,
): Promise<readonly FoundObject[]> {
  const { key } = objectAddressOf(path);
  const wildcard = key.search(/[*?]/);
  if (wildcard >= 0) {
    const fixed = key.slice(0, key.slice(0, wildcard).lastIndexOf("/") + 1);
    const pattern = patternOf(key.slice(fixed.length));
    const found = await below(objects, path, key.slice(0, wildcard), fixed, (name) => pattern.test(name), signal);
    if (found.length === 0) throw new MillraceError("SOURCE_NOT_FOUND", { path });
    return found;
  }
  const single = key === "" || key.endsWith("/") ? null : await objects.head(key, signal);
  if (single) return [{ facts: single, partition: [] }];
  const prefix = key === "" || key.endsWith("/") ? key : `${key}/`;
  let nObjects = 0;
  const fits = (name: string): boolean => {
    nObjects += 1;
    return endings.test(name);
  };
  const found = await below(objects, path, prefix, prefix, fits, signal);
  if (found.length > 0) return found;
  if (nObjects > 0) {
    const remedy =
      "Give the folder that holds objects with the format's ending, or a pattern such as s3://bucket/*.csv.";
    throw new MillraceError("SOURCE_EMPTY", { path, found: "a folder without an object of its format", remedy });
  }
  throw new MillraceError("SOURCE_NOT_FOUND", { path, nearest: await nearestObject(objects, key) });
}

async function below(
  objects: ObjectStore,
  path: string,
  listed: string,
  folder: string,
  fits: (relative: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<readonly FoundObject[]> {
  const found: FoundObject[] = [];
  for await (const facts of objects.list(listed, signal)) {
    const relative = facts.key.slice(folder.length);
    const isHidden = relative.split("/").some((part) => /^[._]/.test(part));
    // A key that ends with "/" is how consoles make a folder.
    if (relative === "" || relative.endsWith("/") || isHidden || !fits(relative)) continue;
    if (found.length === mostFiles) throw tooMany(path);
    found.push({ facts, partition: partitionOf(relative) });
  }
  return found.sort((a, b) => (a.facts.key < b.facts.key ? -1 : 1));
}

async function nearestObject(objects: ObjectStore, key: string): Promise<string | undefined> {
  const keys: string[] = [];
  for await (const facts of objects.list(key.slice(0, key.lastIndexOf("/") + 1))) {
    keys.push(facts.key);
    if (keys.length === siblingsAsked) break;
  }
  const nearest = nearestName(key, keys);
  return nearest === undefined ? undefined : objects.place(nearest);
}
