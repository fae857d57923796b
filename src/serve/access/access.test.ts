import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { housesModel } from "../../../test/serve/served-models.ts";
import { fixedClock, systemClock } from "../../core/clock.ts";
import { openMemoryStore } from "../../store/open.ts";
import type { Store } from "../../store/open.ts";
import { listeningAddress } from "../hosts.ts";
import { fixedModels } from "../model-source.ts";
import type { ProblemDocument } from "../problem.ts";
import { createServer } from "../server.ts";
import type { Server, ServerOptions } from "../server.ts";
import { formatKey, newKey, parseKey } from "./key-text.ts";
import { keyRing } from "./key-ring.ts";
import type { KeyRing } from "./key-ring.ts";
import { addKey, listKeys, revokeKey } from "./keys.ts";
import { grants, roles, rolesFor } from "./roles.ts";
import type { Access, Role } from "./roles.ts";

const clock = fixedClock(Date.UTC(2026, 0, 1));
let store: Store;
let server: Server | undefined;
let url: string;

beforeEach(async () => {
  store = await openMemoryStore({ clock });
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await store.close();
});

async function make(name: string, role: Role, expiresAt: number | null = null): Promise<string> {
  return (await addKey(store, clock, { name, role, expiresAt, by: "ann" })).text;
}

async function ring(): Promise<KeyRing> {
  return keyRing(await listKeys(store), clock);
}

async function start(given: Partial<ServerOptions> = {}): Promise<void> {
  server = await createServer({
    models: fixedModels([housesModel(1)]),
    clock: systemClock,
    version: "1.2.3",
    port: 0,
    keys: await ring(),
    vertex: { health: "/vertex/health", predict: "/vertex:predict" },
    ...given,
  });
  ({ url } = await server.listen());
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

function ask(target: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  const body = method === "POST" ? '{"rows":[{"rooms":1}]}' : null;
  const init = { method, body, redirect: "manual" as const };
  return fetch(url + target, { ...init, headers: { "content-type": "application/json", ...headers } });
}

/** What each route needs. A route that is not here fails the test below: nobody decided who may call it. */
const needs: Readonly<Record<string, Access>> = {
  "POST /v1/models/:name/predict": "predict",
  "POST /v1/feedback": "predict",
  "POST /v1/models/:name/batch": "predict",
  "GET /v1/models": "read",
  "GET /v1/models/:name": "read",
  "GET /openapi.json": "read",
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /metrics": "observe",
  "GET /assets/app.css": "open",
  "GET /assets/docs.js": "open",
  "GET /assets/try.js": "open",
  "GET /assets/icon.svg": "open",
  "GET /": "open",
  "GET /docs": "read",
  "GET /models/:name/try": "predict",
  "GET /models/:name/card": "read",
  "GET /runs": "data",
  "GET /runs/:run": "data",
  "GET /v1/models/:name/card": "read",
  "GET /v2": "read",
  "GET /v2/health/live": "open",
  "GET /v2/health/ready": "open",
  "GET /v2/models/:name": "read",
  "GET /v2/models/:name/ready": "read",
  "POST /v2/models/:name/infer": "predict",
  "GET /v2/models/:name/versions/:version": "read",
  "GET /v2/models/:name/versions/:version/ready": "read",
  "POST /v2/models/:name/versions/:version/infer": "predict",
  "GET /ping": "open",
  "GET /health": "open",
  "GET /version": "read",
  "POST /invocations": "predict",
  "POST /score": "predict",
  "GET /vertex/health": "open",
  "POST /vertex:predict": "predict",
};

describe("a route", () => {
  const pathOf = (path: string): string => path.replace(":name", "houses").replace(":version", "1").replace("::", ":");

  it("opens to the roles it needs and to nobody else", async () => {
    const keys = new Map<Role, string>();
    for (const role of roles) keys.set(role, await make(role, role));
    const expired = await make("expired", "admin", clock.now() + 1);
    const revoked = await make("revoked", "admin");
    await revokeKey(store, clock, "revoked", { by: "ann", reason: "" });
    clock.advance(1);
    const stranger = formatKey(newKey());
    await start({ limits: { keyFailures: 1_000_000 } });
    const listed = server!.routes().map((route) => route.replace("::", ":"));
    expect(listed.filter((route) => !route.startsWith("HEAD ")).sort()).toEqual(Object.keys(needs).sort());
    for (const route of listed) {
      const [method, path] = route.split(" ") as [string, string];
      const needed = needs[route] ?? needs[route.replace("HEAD ", "GET ")]!;
      const status = async (headers: Record<string, string>): Promise<number> =>
        (await ask(pathOf(path), headers, method)).status;
      for (const [role, key] of keys) {
        const refused = [401, 403].includes(await status(bearer(key)));
        expect([route, role, refused]).toEqual([route, role, !grants(role, needed)]);
      }
      for (const bad of [undefined, "", "nonsense", expired, revoked, stranger]) {
        const got = await status(bad === undefined ? {} : bearer(bad));
        expect([route, bad, got === 401]).toEqual([route, bad, needed !== "open"]);
      }
    }
  });

  it("that does not exist is told to holders of a key only", async () => {
    const key = await make("shop", "predict");
    await start();
    expect((await ask("/nope")).status).toBe(401);
    expect((await ask("/nope", bearer(key))).status).toBe(404);
  });

  it("needs no key before one was made, and needs one for ever after", async () => {
    await start();
    expect((await ask("/v1/models")).status).toBe(200);
    await server!.close();
    await make("shop", "predict");
    await revokeKey(store, clock, "shop", { by: "ann", reason: "" });
    await start();
    expect((await ask("/v1/models")).status).toBe(401);
  });
});

describe("a refusal", () => {
  it("says what is missing, and which roles would do", async () => {
    const key = await make("shop", "predict");
    await start();
    const none = await ask("/metrics");
    expect(none.headers.get("www-authenticate")).toBe(
      'Bearer realm="millrace", Basic realm="millrace", charset="UTF-8"',
    );
    expect((await none.json()) as ProblemDocument).toMatchObject({ status: 401, code: "KEY_REQUIRED" });
    const problem = (await (await ask("/metrics", bearer(key))).json()) as ProblemDocument;
    expect(problem).toMatchObject({ status: 403, code: "ROLE_INSUFFICIENT" });
    expect(problem.detail).toContain(rolesFor("observe"));
  });

  it("takes the key of a browser, which asks for a password", async () => {
    const key = await make("ann", "predict");
    await start();
    const basic = (user: string, password: string): string =>
      `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    expect((await ask("/docs", { authorization: basic("ann", key) })).status).toBe(200);
    expect((await ask("/docs", { authorization: basic(key, "") })).status).toBe(401);
  });

  it("takes no key from the address of a request, which lands in logs", async () => {
    const key = await make("ann", "admin");
    await start();
    expect((await ask(`/v1/models?key=${key}`)).status).toBe(401);
  });

  it("makes an address with many bad keys wait, and holds no good key up", async () => {
    const key = await make("ann", "predict");
    await start({ limits: { keyFailures: 3 } });
    const statuses: number[] = [];
    for (let i = 0; i < 5; ++i) statuses.push((await ask("/v1/models", bearer(formatKey(newKey())))).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const late = await ask("/v1/models", bearer("x"));
    expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(((await late.json()) as ProblemDocument).code).toBe("KEY_FAILURES");
    expect((await ask("/v1/models", bearer(key))).status).toBe(200);
    expect((await ask("/v1/models")).status).toBe(401);
  });
});

describe("a key", () => {
  it("is shown once: neither database, audit log, metrics nor answers hold its secret", async () => {
    const key = await make("shop", "admin");
    const { secret } = parseKey(key)!;
    const faults: unknown[] = [];
    await start({ onFault: (error) => faults.push(error) });
    const answers: string[] = [];
    for (const target of ["/metrics", "/nope", "/v1/models", "/v1/models/%ff", "/docs", "/openapi.json"])
      for (const headers of [bearer(key), bearer(`${key}x`), { authorization: `Basic ${key}` }])
        answers.push(await (await ask(target, headers)).text());
    const rows = await Promise.all(
      (["keys", "audit", "seals"] as const).map((table) => store.database.selectFrom(table).selectAll().execute()),
    );
    expect(rows[0]).toHaveLength(1);
    const held = JSON.stringify([rows, answers, faults.map(String)]);
    expect(held).toContain(parseKey(key)!.id);
    expect(held).not.toContain(secret);
    expect(held).not.toContain(Buffer.from(secret, "base64url").toString("hex"));
  });
});

describe("an address to listen on", () => {
  const codeOf = (host: string, hasKeys: boolean): string => {
    try {
      return JSON.stringify(listeningAddress(host, hasKeys));
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it("is a loopback address, or with keys any", () => {
    const hosts = ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "[::1]"];
    expect(hosts.map((host) => listeningAddress(host, false).address)).toEqual(
      "127.0.0.1 127.0.0.1 127.0.0.1 127.8.9.1 ::1 ::1".split(" "),
    );
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "::ffff:10.0.0.1"]) {
      expect(codeOf(host, false)).toBe("ADDRESS_REFUSED");
      expect(listeningAddress(host, true)).toEqual({ address: host, isPublic: true });
    }
    for (const host of ["", "example.org", "127.0.0.1.example.org", "127.1"])
      expect(codeOf(host, true)).toBe("ADDRESS_INVALID");
  });

  it("beyond this machine answers under any address and under allowed names, never without a key", async () => {
    await expect(start({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "ADDRESS_REFUSED" });
    const key = await make("shop", "predict");
    await start({ host: "0.0.0.0", allowedHosts: ["models.example.org"] });
    const { port } = new URL(url);
    const statusOf = (host: string, headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const options = { port, path: "/v1/models", headers: { ...headers, host } };
        const sent = httpRequest("http://127.0.0.1", options, (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        });
        sent.on("error", reject).end();
      });
    for (const host of ["10.1.2.3:80", "models.example.org", "localhost", "[fe80::1]:80"])
      expect([host, await statusOf(host, bearer(key)), await statusOf(host, {})]).toEqual([host, 200, 401]);
    expect(await statusOf("evil.example", bearer(key))).toBe(421);
  });
});
