import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../../core/clock.ts";
import { readAudit, verifyAuditChain } from "../../registry/audit.ts";
import { digestOfKeys } from "../../store/seals.ts";
import { openMemoryStore } from "../../store/open.ts";
import type { Store } from "../../store/open.ts";
import { formatKey, isSameHash, parseKey } from "./key-text.ts";
import { keyRing, watchKeys } from "./key-ring.ts";
import { addKey, listKeys, revokeKey } from "./keys.ts";
import type { Role } from "./roles.ts";

const clock = fixedClock(Date.UTC(2026, 0, 1));
let store: Store;
beforeEach(async () => {
  store = await openMemoryStore({ clock });
});
afterEach(() => store.close());

async function make(name: string, role: Role): Promise<string> {
  return (await addKey(store, clock, { name, role, expiresAt: null, by: "ann" })).text;
}

describe("a key", () => {
  it("has 256 random bits and a hash under a salt of its own", async () => {
    const texts = [await make("a", "predict"), await make("b", "predict")];
    expect(Buffer.from(parseKey(texts[0]!)!.secret, "base64url")).toHaveLength(32);
    const [a, b] = await listKeys(store);
    expect(a!.salt).not.toBe(b!.salt);
    expect(isSameHash(a!.hash, b!.hash)).toBe(false);
    expect(parseKey(`${texts[0]}=`)).toBeUndefined();
  });

  it("whose secret is another's opens nothing", async () => {
    const [a, b] = [parseKey(await make("a", "admin"))!, parseKey(await make("b", "admin"))!];
    const known = keyRing(await listKeys(store), clock);
    expect(known.holderOf(formatKey(a))?.name).toBe("a");
    expect(known.holderOf(formatKey({ id: a.id, secret: b.secret }))).toBeUndefined();
    expect(known.holderOf("")).toBeUndefined();
  });

  it("of a name that is taken is refused until that one is revoked; both are in the audit log", async () => {
    await make("shop", "predict");
    await expect(make("shop", "admin")).rejects.toMatchObject({ code: "KEY_EXISTS" });
    await expect(revokeKey(store, clock, "shpo", { by: "ann", reason: "" })).rejects.toMatchObject({
      code: "KEY_NOT_FOUND",
      remedy: 'Did you mean "shop"?',
    });
    const { id } = await revokeKey(store, clock, "shop", { by: "bob", reason: "it was on a slide" });
    await make("shop", "observe");
    const entries = await readAudit(store.database, "key shop");
    expect(entries.map(({ actor, action }) => [actor, action])).toEqual([
      ["ann", "addKey"],
      ["bob", "revokeKey"],
      ["ann", "addKey"],
    ]);
    expect(entries[1]!.details).toEqual({ id, reason: "it was on a slide" });
    expect((await verifyAuditChain(store.database)).intact).toBe(true);
  });

  it("that was altered breaks the seal of all keys", async () => {
    await make("shop", "predict");
    const seal = await store.database.selectFrom("seals").select("digest").where("subject", "=", "keys").execute();
    expect(seal).toEqual([{ digest: await digestOfKeys(store.database) }]);
    await store.database.updateTable("keys").set({ role: "admin" }).execute();
    expect(await digestOfKeys(store.database)).not.toBe(seal[0]!.digest);
  });
});

describe("a watch of keys", () => {
  it("sees what was made and what was revoked, and keeps what it knows while the store cannot be read", async () => {
    let isReadable = true;
    const said: string[] = [];
    const watch = await watchKeys({
      read: async () => {
        if (!isReadable) throw new Error("gone");
        return listKeys(store);
      },
      clock,
      everyMs: 10_000,
      onUnreadable: ({ message }) => said.push(message),
    });
    expect(watch.isInUse()).toBe(false);
    const key = await make("shop", "predict");
    await watch.refresh();
    expect(watch.holderOf(key)?.name).toBe("shop");
    isReadable = false;
    await watch.refresh();
    await watch.refresh();
    expect([watch.holderOf(key)?.name, said.length]).toEqual(["shop", 1]);
    isReadable = true;
    await revokeKey(store, clock, "shop", { by: "ann", reason: "" });
    await watch.refresh();
    expect([watch.holderOf(key), watch.isInUse()]).toEqual([undefined, true]);
    await watch.stop();
  });
});
