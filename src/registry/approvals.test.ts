import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import type { Store } from "../store/open.ts";
import type { ApprovalRule } from "./approvals.ts";
import { openRegistry, type OpenRegistry } from "./registry.fixtures.ts";
import type { Registry } from "./registry.ts";

const clock = fixedClock(1_000);
let store: Store;
let registry: Registry;
let register: OpenRegistry["register"];
beforeEach(async () => {
  ({ store, registry, register } = await openRegistry(clock));
});
afterEach(() => store.close());

const rules: readonly ApprovalRule[] = [
  { role: "owner", by: ["ann", "bob"], atLeast: 1 },
  { role: "risk", by: ["bob", "cleo", "dan"], atLeast: 2 },
];
const who = (by: string): { by: string; reason: string } => ({ by, reason: `${by} looked` });

describe("approvals", () => {
  it("hold a promotion back until every role has enough, whatever is forced", async () => {
    await register("one", { approvals: rules });
    const promote = (): Promise<unknown> => registry.promote("prices", 1, { ...who("ann"), force: true });
    await expect(promote()).rejects.toMatchObject({
      code: "APPROVAL_MISSING",
      context: { missing: ["1 of owner (ann, bob)", "2 of risk (bob, cleo, dan)"] },
    });
    expect((await registry.approve("prices", 1, who("bob"))).missing).toEqual(["1 of risk (cleo, dan)"]);
    await expect(promote()).rejects.toMatchObject({ code: "APPROVAL_MISSING" });
    const state = await registry.approve("prices", 1, who("dan"));
    expect(state).toMatchObject({ missing: [], given: [{ by: "bob", roles: ["owner", "risk"] }, { by: "dan" }] });
    await promote();
    expect((await registry.champion("prices"))?.version).toBe(1);
    expect((await registry.history("prices")).map(({ action, actor }) => `${action} ${actor}`)).toEqual([
      "register millrace",
      "approve bob",
      "approve dan",
      "promote ann",
    ]);
    expect((await registry.verifyAudit()).intact).toBe(true);
  });

  it("count once a person, and can be taken back", async () => {
    await register("one", { approvals: [rules[1]!] });
    await registry.approve("prices", 1, who("cleo"));
    await registry.approve("prices", 1, who("cleo"));
    await registry.approve("prices", 1, who("dan"));
    expect((await registry.approve("prices", 1, who("dan"), true)).missing).toEqual(["1 of risk (bob, dan)"]);
    await expect(registry.approve("prices", 1, who("dan"), true)).rejects.toMatchObject({ code: "APPROVAL_REFUSED" });
  });

  it("of the author alone are not enough", async () => {
    await register("one", { approvals: [rules[0]!], author: "ann" });
    expect((await registry.approve("prices", 1, who("ann"))).missing).toEqual(["somebody other than ann, who made it"]);
    await expect(registry.promote("prices", 1, who("bob"))).rejects.toMatchObject({ code: "APPROVAL_MISSING" });
    await registry.approve("prices", 1, who("bob"));
    await registry.promote("prices", 1, who("bob"));
  });

  it("are refused from strangers, and where nobody asked", async () => {
    await register("one", { approvals: rules });
    await expect(registry.approve("prices", 1, who("eve"))).rejects.toMatchObject({
      code: "APPROVAL_REFUSED",
      message: expect.stringContaining("ann, bob, cleo, dan"),
    });
    await register("two");
    await expect(registry.approve("prices", 2, who("ann"))).rejects.toMatchObject({ code: "APPROVAL_REFUSED" });
    await expect(registry.approve("prices", 3, who("ann"))).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    await registry.promote("prices", 2, who("ann"));
  });

  it("are asked for by the newest judgement: a definition that asks for more holds from its next run", async () => {
    await register("one");
    await register("one");
    expect(await registry.history("prices")).toHaveLength(1);
    await register("one", { approvals: rules });
    await expect(registry.promote("prices", 1, who("ann"))).rejects.toMatchObject({ code: "APPROVAL_MISSING" });
    await register("one", { approvals: rules });
    expect((await registry.history("prices")).map(({ action }) => action)).toEqual(["register", "judge"]);
  });

  it("are not needed to roll back", async () => {
    await register("one");
    await registry.promote("prices", 1, who("ann"));
    await register("two", { approvals: [rules[0]!] });
    await registry.approve("prices", 2, who("ann"));
    await registry.promote("prices", 2, who("ann"));
    await registry.approve("prices", 2, who("ann"), true);
    expect((await registry.rollback("prices", who("ann"))).version).toBe(1);
  });
});

describe("an alias", () => {
  it("stands at a version, moves, and is taken away; the log tells each", async () => {
    await register("one");
    await register("two");
    await registry.setAlias("prices", "stable", 1, who("ann"));
    await registry.setAlias("prices", "stable", 2, who("ann"));
    await registry.setAlias("prices", "stable", 2, who("ann"));
    expect(await registry.aliases()).toMatchObject([{ model: "prices", alias: "stable", version: 2 }]);
    expect((await registry.verifyAudit()).intact).toBe(true);
    await registry.setAlias("prices", "stable", null, who("ann"));
    expect(await registry.aliases()).toEqual([]);
    const moves = (await registry.history("prices")).filter(({ action }) => action === "alias");
    expect(moves.map(({ details }) => [details["previous"], details["version"]])).toEqual([
      [null, 1],
      [1, 2],
      [2, null],
    ]);
  });

  it("is refused where a promotion moves it, where it is no name, and at an archived version, which loses its own", async () => {
    await register("one");
    for (const name of ["champion", "challenger", "", "A", "a b", "../x", "a@b"])
      await expect(registry.setAlias("prices", name, 1, who("ann"))).rejects.toMatchObject({ code: "ALIAS_REFUSED" });
    await expect(registry.setAlias("prices", "stable", null, who("ann"))).rejects.toMatchObject({
      code: "ALIAS_REFUSED",
    });
    await expect(registry.setAlias("prices", "stable", 7, who("ann"))).rejects.toMatchObject({
      code: "VERSION_NOT_FOUND",
    });
    await registry.setAlias("prices", "stable", 1, who("ann"));
    await registry.archive("prices", 1, who("ann"));
    expect(await registry.aliases()).toEqual([]);
    expect((await registry.verifyAudit()).intact).toBe(true);
    await expect(registry.setAlias("prices", "stable", 1, who("ann"))).rejects.toMatchObject({
      code: "VERSION_ARCHIVED",
    });
  });

  it("moved behind the log's back shows", async () => {
    await register("one");
    await register("two");
    await registry.setAlias("prices", "stable", 1, who("ann"));
    await store.database.updateTable("aliases").set({ version: 2 }).where("alias", "=", "stable").execute();
    expect(await registry.verifyAudit()).toMatchObject({ intact: false, reason: expect.stringContaining("stable") });
  });
});
