import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createSite } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openPredictionLogs } from "../../src/monitor/prediction-logs.ts";
import type { PredictionLogs } from "../../src/monitor/prediction-logs.ts";
import { keyRing } from "../../src/serve/access/key-ring.ts";
import type { KeyRing } from "../../src/serve/access/key-ring.ts";
import { addKey, listKeys } from "../../src/serve/access/keys.ts";
import { fixedModels } from "../../src/serve/model-source.ts";
import { createServer } from "../../src/serve/server.ts";
import type { Server } from "../../src/serve/server.ts";
import { openMemoryStore } from "../../src/store/open.ts";
import { housesModel } from "../serve/served-models.ts";
import { hasChromium, launchChromium } from "./chromium.ts";

interface HostileGlobals {
  attack(target: string, posts: readonly string[], gets: readonly string[]): Promise<[name: string, known: string][]>;
}

const evil = "evil.example";

/** A server, and all of its state that a request could change. */
interface Watched {
  readonly server: Server;
  readonly url: string;
  state(): Promise<string>;
}

/** A page of another site makes the browser of somebody who may do everything ask this server. */
describe.skipIf(!hasChromium)("pages of other sites", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-hostile-"));
  const script = readFileSync(join(import.meta.dirname, "hostile-site.js"), "utf8");
  const document = `<!doctype html><meta name="referrer" content="no-referrer"><title>prizes</title><body><script>${script}</script>`;
  const site = createSite((_, answer) => answer.setHeader("content-type", "text/html").end(document));
  const servers: Server[] = [];
  const logs: PredictionLogs[] = [];
  let browser: Browser;
  let sitePort: number;

  beforeAll(async () => {
    browser = await launchChromium(evil);
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    sitePort = (site.address() as AddressInfo).port;
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(logs.map((log) => log.close()));
    await new Promise((resolve) => site.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(keys: KeyRing | null): Promise<Watched> {
    const log = openPredictionLogs(join(folder, String(logs.length)), { clock: systemClock });
    logs.push(log);
    let nTold = 0;
    const server = await createServer({
      models: fixedModels([housesModel(1)]),
      clock: systemClock,
      version: "1",
      port: 0,
      log,
      keys,
      feedback: async (_, items) => items.map(() => (++nTold, "recorded" as const)),
    });
    servers.push(server);
    const { url } = await server.listen();
    const counted = /^millrace_(predictions|rejected|model_swaps|messages)\S* .*$/gm;
    return {
      server,
      url,
      async state() {
        await log.flush();
        const metrics = await server.predicting.metrics.render();
        return JSON.stringify([log.counts(), nTold, metrics.match(counted)]);
      },
    };
  }

  async function visit(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(address);
    return page;
  }

  const pathsOf = ({ server }: Watched, method: string): string[] =>
    server
      .routes()
      .filter((route) => route.startsWith(`${method} `))
      .map((route) =>
        route.split(" ")[1]!.replace(":name", "houses").replace(":version", "1").replace(":run", "houses"),
      );

  const attack = (page: Page, watched: Watched, target: string): ReturnType<HostileGlobals["attack"]> =>
    page.evaluate(([address, posts, gets]) => (globalThis as unknown as HostileGlobals).attack(address, posts, gets), [
      target,
      pathsOf(watched, "POST"),
      pathsOf(watched, "GET"),
    ] as const);

  /** Asks as a person does, on the server's own page; the state then tells of it, or it would tell of nothing. */
  async function askAsPerson(watched: Watched, options: BrowserContextOptions = {}): Promise<Page> {
    const before = await watched.state();
    const page = await visit(`${watched.url}/models/houses/try`, options);
    await page.getByRole("button", { name: "Predict" }).click();
    await page.locator("#answer .value").waitFor();
    expect(await watched.state()).not.toBe(before);
    return page;
  }

  const expectNothingKnown = (tried: readonly [string, string][]): void => {
    expect(tried.length).toBeGreaterThan(200);
    for (const [name, known] of tried) expect([name, known]).toEqual([name, expect.stringMatching(/^blocked: /)]);
  };

  it.each(["127.0.0.1", "localhost"])("change nothing and read nothing under %s", async (host) => {
    const watched = await start(null);
    const target = `http://${host}:${new URL(watched.url).port}`;
    await (await askAsPerson(watched)).context().close();
    const before = await watched.state();
    const page = await visit(`http://${evil}:${sitePort}/`);
    expectNothingKnown(await attack(page, watched, target));
    expect(await watched.state()).toBe(before);
    await page.context().close();
  });

  it("change nothing where they come from this machine, too", async () => {
    const watched = await start(null);
    const before = await watched.state();
    const page = await visit(`http://127.0.0.1:${sitePort}/`);
    expectNothingKnown(await attack(page, watched, watched.url));
    expect(await watched.state()).toBe(before);
    await page.context().close();
  });

  it("change nothing in a browser that holds a key", async () => {
    const store = await openMemoryStore({ clock: systemClock });
    const { text } = await addKey(store, systemClock, { name: "ann", role: "admin", expiresAt: null, by: "ann" });
    const watched = await start(keyRing(await listKeys(store), systemClock));
    await store.close();
    const own = await askAsPerson(watched, {
      httpCredentials: { username: "ann", password: text, origin: watched.url },
    });
    const before = await watched.state();
    const page = await own.context().newPage();
    await page.goto(`http://${evil}:${sitePort}/`);
    expectNothingKnown(await attack(page, watched, watched.url));
    expect(await watched.state()).toBe(before);
    await own.context().close();
  });

  it("learn nothing once their name leads to this server", async () => {
    const watched = await start(null);
    const before = await watched.state();
    const rebound = `http://${evil}:${new URL(watched.url).port}`;
    const page = await (await browser.newContext()).newPage();
    // The name leads to the attacker once, who sends the page; whatever the page then asks for, it leads here.
    await page.route(`${rebound}/`, (route) => route.fulfill({ contentType: "text/html", body: document }), {
      times: 1,
    });
    await page.goto(`${rebound}/`);
    const answers = (await attack(page, watched, rebound)).filter(([name]) => !/^(beacon|import|events)/.test(name));
    expect(answers.length).toBeGreaterThan(200);
    for (const [name, known] of answers)
      if (!known.startsWith("blocked: "))
        expect([name, known]).toEqual([name, expect.stringContaining("HOST_REFUSED")]);
    expect(answers.filter(([, known]) => known.startsWith("basic 421")).length).toBeGreaterThan(40);
    expect(await watched.state()).toBe(before);
    await page.context().close();
  });
});
