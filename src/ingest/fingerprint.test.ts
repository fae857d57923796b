import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failure, fingerprint, folder, output, put, read, root } from "./ingest.fixtures.ts";
import { csv } from "./source.ts";

describe("fingerprintSource", () => {
  it("gives another fingerprint when a file comes, goes, changes or moves to another partition", async () => {
    put("p=1/a.csv", "n\n1\n");
    const source = csv(folder);
    const first = await fingerprint(source);
    expect(await fingerprint(source)).toBe(first);
    put("p=2/a.csv", "n\n1\n");
    const second = await fingerprint(source);
    rmSync(join(root, folder, "p=2"), { recursive: true });
    put("p=3/a.csv", "n\n1\n");
    const third = await fingerprint(source);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it("refuses a file with another checksum than declared", async () => {
    const path = put("a.csv", "n\n1\n");
    const right = (await fingerprint(csv(path))) as `sha256:${string}`;
    const wrong = `sha256:${"0".repeat(64)}` as const;
    expect((await read(csv(path, { checksum: right }), [["n", "number"]])).report.nRows).toBe(1);
    rmSync(output);
    expect(await failure(read(csv(path, { checksum: wrong }), [["n", "number"]]))).toMatchObject({
      code: "SOURCE_CHANGED",
    });
    await expect(fingerprint(csv(path, { checksum: wrong }))).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
    expect(() => csv(path, { checksum: "sha256:12" })).toThrow(/64 hexadecimal digits/);
  });
});
