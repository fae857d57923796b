import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { insideAddresses } from "../../src/ingest/inside-addresses.fixtures.ts";
import { dist, isBuilt } from "../e2e/cli.ts";

/*
 * An internet of one process: in a network of its own with addresses, a name server and files of its own, where the ports
 * of every address are watched. One address stands for a server that anybody may reach; what comes to another was led inside.
 */

const namespaces = ["--map-root-user", "--net", "--mount"];
const canIsolate =
  isBuilt && spawnSync("unshare", [...namespaces, "true"]).status === 0 && spawnSync("ip", ["-V"]).status === 0;
if (isBuilt && !canIsolate) console.warn("skipped: no network namespaces (unshare, ip) on this machine");

/** What a list of questions to the internet gave. */
interface Told {
  /** By URL: the code of the error, or the text that was fetched. */
  readonly outcomes: Readonly<Record<string, string>>;
  /** Connections to other addresses than the public one, as "address:port". */
  readonly hits: readonly string[];
  /** Questions to the name server. */
  readonly asked: readonly string[];
}

const outcomesOf = ({ outcomes }: Told, urls: readonly string[]): unknown => urls.map((url) => [url, outcomes[url]]);
const allRefused = (urls: readonly string[]): unknown => urls.map((url) => [url, "SOURCE_REFUSED"]);

const publicAddress = "93.184.216.34";
const inside = [...insideAddresses(""), ...insideAddresses(":8080")];

/** Names and what the name server answers, question by question; the last answer stays. */
const names: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "public.example": [[publicAddress]],
  "inside.example": [["127.0.0.1"]],
  "private.example": [["10.0.0.7"]],
  "both.example": [[publicAddress, "127.0.0.1"]],
  "either.example": [["127.0.0.1", publicAddress]],
  "metadata.google.internal": [["169.254.169.254"]],
  metadata: [["169.254.169.254"]],
  localhost: [["127.0.0.1"]],
  "rebinding.example": [[publicAddress], ["127.0.0.1"]],
  "later.example": [[publicAddress], ["127.0.0.1"]],
};

describe.skipIf(!canIsolate)("a source over HTTP cannot reach inside", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-inside-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function ask(urls: readonly string[]): Told {
    writeFileSync(join(folder, "asked.json"), JSON.stringify({ publicAddress, names, urls }));
    writeFileSync(join(folder, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    writeFileSync(join(folder, "hosts"), "127.0.0.1 localhost\n::1 localhost\n");
    const script = [
      "set -e",
      "ip link set lo up",
      `ip address add ${publicAddress}/32 dev lo`,
      "for inside in 10.0.0.7 169.254.169.254; do ip address add $inside/32 dev lo; done",
      `for file in resolv.conf hosts; do mount --bind "${folder}/$file" /etc/$file; done`,
      `exec "${process.execPath}" "${join(import.meta.dirname, "internet.mjs")}" "${dist}" "${folder}"`,
    ];
    const { stdout, stderr, status } = spawnSync("unshare", [...namespaces, "sh", "-c", script.join("\n")], {
      encoding: "utf8",
      timeout: 120_000,
    });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as Told;
  }

  const sent = (target: string): string => `http://public.example/to?${encodeURIComponent(target)}`;

  it(`written in any of ${inside.length} ways, directly or at the end of a redirect`, () => {
    const direct = ask([...inside, "http://public.example/a.csv"]);
    expect(direct.outcomes["http://public.example/a.csv"]).toBe("n\n1\n");
    expect(direct.hits).toEqual([]);
    expect(outcomesOf(direct, inside)).toEqual(allRefused(inside));

    const redirected = ask([...inside.map(sent), sent("http://public.example/a.csv")]);
    expect(redirected.outcomes[sent("http://public.example/a.csv")]).toBe("n\n1\n");
    expect(redirected.hits).toEqual([]);
    expect(outcomesOf(redirected, inside.map(sent))).toEqual(allRefused(inside.map(sent)));
  });

  it("by a name that leads inside, alone or beside a public address, also behind five redirects", () => {
    const targets = ["inside", "private", "both", "either"].map((name) => `http://${name}.example/a.csv`);
    targets.push("http://metadata.google.internal/computeMetadata/v1/", "http://metadata/latest/meta-data/");
    const chained = (target: string): string => [1, 2, 3, 4, 5].reduce((inner) => sent(inner), target);
    const all = [...targets, ...targets.map(chained)];
    const open = chained("http://public.example/a.csv");
    const told = ask([...all, open]);
    expect(told.hits).toEqual([]);
    expect(outcomesOf(told, all)).toEqual(allRefused(all));
    expect(told.outcomes[open]).toBe("n\n1\n");
  });

  it("by a name whose address changes between the look and the connection, or between redirects", () => {
    const once = "http://rebinding.example/a.csv";
    const back = `http://later.example/to?${encodeURIComponent("http://later.example/a.csv")}`;
    const { outcomes, hits, asked } = ask([once, back]);
    expect(outcomes).toEqual({ [once]: "n\n1\n", [back]: "SOURCE_REFUSED" });
    expect(hits).toEqual([]);
    expect(asked).toEqual(["rebinding.example", "later.example", "later.example"]);
  });
});
