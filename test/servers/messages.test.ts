import fs from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DescribedRollout } from "../../src/app/rollout.ts";
import { createProject, isBuilt, until, type Project, type Running } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";
import { startNats } from "./start/nats.ts";

const server = isBuilt ? await startNats() : undefined;

interface Sent {
  readonly id: string;
  readonly body: {
    readonly version: number;
    readonly prediction: number;
    readonly predictionId: string;
    readonly input: { readonly stream: string; readonly sequence: number; readonly id: string | null };
  };
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const rowOf = (i: number): string => JSON.stringify({ id: `h${i}`, area: 50 + (i % 100), place: "north" });
const rows = (n: number): string[] => Array.from({ length: n }, (_, i) => rowOf(i));

describe.skipIf(!isBuilt || !server)("millrace stream", () => {
  let project: Project;
  let connection: NatsConnection;
  let running: Running | undefined;

  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(150));
    project.pipeline("houses", housePipeline());
    expect((await project.run("run", "houses")).code).toBe(0);
    connection = await connect({ servers: new URL(server!.url).host });
  });
  afterAll(async () => {
    running?.child.kill("SIGKILL");
    await connection?.close();
    project?.remove();
    await server?.stop();
  });

  /** An input stream, one of answers, which remembers ids for so long, and one of refused messages. */
  async function makeStreams(name: string, rememberMs = 120_000): Promise<void> {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name, subjects: [`${name}.in`] });
    const duplicateWindow = rememberMs * 1_000_000;
    await manager.streams.add({ name: `${name}-out`, subjects: [`${name}.out`], duplicate_window: duplicateWindow });
    await manager.streams.add({ name: `${name}-dead`, subjects: [`${name}.dead`] });
  }

  async function publish(name: string, ...bodies: readonly string[]): Promise<void> {
    const client = jetstream(connection);
    await Promise.all(bodies.map((body) => client.publish(`${name}.in`, body)));
  }

  /** Twice each user's message. */
  async function publishOfUsers(name: string, nUsers: number): Promise<void> {
    const client = jetstream(connection);
    for (let i = 0; i < 2 * nUsers; ++i) {
      const all = headers();
      all.set("X-User", `u${i % nUsers}`);
      await client.publish(`${name}.in`, rowOf(i % nUsers), { headers: all });
    }
  }

  async function countOf(stream: string): Promise<number> {
    return (await (await jetstreamManager(connection)).streams.info(stream)).state.messages;
  }

  async function messagesOf(stream: string): Promise<readonly Sent[]> {
    const count = await countOf(stream);
    if (count === 0) return [];
    const consumer = await jetstream(connection).consumers.get(stream);
    const found: Sent[] = [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
      const headers = Object.fromEntries(message.headers!.keys().map((key) => [key, message.headers!.get(key)]));
      const text = message.string();
      const body = (stream.endsWith("-out") ? JSON.parse(text) : null) as Sent["body"];
      found.push({ id: headers["Nats-Msg-Id"]!, body, headers, text });
    }
    return found;
  }

  async function openMessages(name: string): Promise<number> {
    const info = await (await jetstreamManager(connection)).consumers.info(name, "millrace-houses");
    return info.num_ack_pending + info.num_pending;
  }

  /** Runs what the docs say, on a free port. */
  function startAsDocumented(): Running {
    const docs = fs.readFileSync(new URL("../../docs/serving.md", import.meta.url), "utf8");
    const [, command] = /^millrace (stream .*)$/m.exec(docs)!;
    return (running = project.start(...command!.split(" "), "--port", "0"));
  }

  function start(name: string, ...more: readonly string[]): Running {
    const own = ["--from", name, "--to", `${name}.out`, "--dead", `${name}.dead`, "--nats", server!.url];
    return (running = project.start("stream", "houses", ...own, "--port", "0", ...more));
  }

  it("answers each message as predict does, sets bad ones aside, follows a promotion, and drains", async () => {
    await makeStreams("houses");
    await publish("houses", rowOf(1), "no JSON", '{"id":"h9","area":-1,"place":"north"}', rowOf(2));
    process.env["NATS_URL"] = server!.url;
    const one = startAsDocumented();
    delete process.env["NATS_URL"];
    await one.heard(/answering messages/);
    const [, url] = await one.heard(/on (http:\S+)/);
    await until(async () => (await countOf("houses-out")) === 2 && (await openMessages("houses")) === 0, "answers");
    const asked = await fetch(`${url}/v1/models/houses/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"rows":[${rowOf(1)},${rowOf(2)}]}`,
    });
    const { predictions } = (await asked.json()) as { predictions: readonly number[] };
    const answers = await messagesOf("houses-out");
    expect(new Set(answers.map(({ body }) => body.prediction))).toEqual(new Set(predictions));
    expect(answers.map(({ body }) => body.input).sort((a, b) => a.sequence - b.sequence)).toEqual([
      { stream: "houses", sequence: 1, id: "h1" },
      { stream: "houses", sequence: 4, id: "h2" },
    ]);
    const dead = await messagesOf("houses-dead");
    expect(dead.map(({ headers, text }) => [headers["Millrace-Sequence"], headers["Millrace-Code"], text])).toEqual([
      ["2", "REQUEST_MALFORMED", "no JSON"],
      ["3", "REQUEST_INVALID", '{"id":"h9","area":-1,"place":"north"}'],
    ]);
    // What a refusal says in detail holds values of the row.
    for (const code of ["REQUEST_MALFORMED", "REQUEST_INVALID"])
      expect(one.said()).toContain(`set aside under "houses.dead" (${code})`);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'millrace_messages_total{model="houses",outcome="answered"} 2',
    );
    project.pipeline("houses", housePipeline({ model: "m.linear({ l2: 5 })", gate: "[]" }));
    expect((await project.run("run", "houses")).code).toBe(0);
    await one.heard(/version 2 is live/);
    await publish("houses", rowOf(1));
    await until(async () => (await countOf("houses-out")) === 3, "the answer of the new version");
    expect((await messagesOf("houses-out")).at(-1)!.body.version).toBe(2);
    expect(await one.stop()).toBe(0);
    const logged = await project.run("predictions", "houses", "--json");
    for (const { body } of await messagesOf("houses-out")) expect(logged.stdout).toContain(body.predictionId);
  });

  it("divides messages under a rollout: by key, beside a shadow, and a canary until it is champion", async () => {
    const other = createProject();
    other.write("data/houses.csv", houses(150));
    for (const model of ["m.linear({ l2: 0.5 })", "m.linear()"]) {
      other.pipeline("houses", housePipeline({ model, gate: "[]" }));
      expect((await other.run("run", "houses")).code).toBe(0);
    }
    await makeStreams("divided");
    const own = ["--from", "divided", "--to", "divided.out", "--nats", server!.url, "--port", "0"];
    const one = (running = other.start("stream", "houses", ...own));
    await one.heard(/answering messages/);
    const answered = (n: number): Promise<unknown> =>
      until(async () => (await countOf("divided-out")) === n, `${n} answers`);
    const shown = async (): Promise<DescribedRollout> =>
      (await other.run("rollout", "houses", "--json")).json<{ rollouts: DescribedRollout[] }>().rollouts[0]!;

    expect((await other.run("rollout", "houses", "1", "--split", "50", "--key", "header:x-user")).code).toBe(0);
    await one.heard(/split of houses version 1 is under way/);
    await publishOfUsers("divided", 20);
    await answered(40);
    const byUser = new Map<string | null, Set<number>>();
    for (const { body } of await messagesOf("divided-out"))
      byUser.set(body.input.id, (byUser.get(body.input.id) ?? new Set()).add(body.version));
    expect([...byUser.values()].map(({ size }) => size)).toEqual(Array<number>(20).fill(1));
    expect(new Set([...byUser.values()].flatMap((versions) => [...versions]))).toEqual(new Set([1, 2]));
    await other.run("rollout", "houses", "--stop");
    await one.heard(/split of houses version 1 stopped/);

    expect((await other.run("rollout", "houses", "1", "--shadow")).code).toBe(0);
    await one.heard(/shadow of houses version 1 is under way/);
    await publish("divided", ...rows(30));
    await until(async () => (await shown()).compared!.answers === 30, "the shadow to be compared");
    expect(await countOf("divided-out")).toBe(70);
    expect((await messagesOf("divided-out")).slice(40).map(({ body }) => body.version)).toEqual(
      Array<number>(30).fill(2),
    );
    await other.run("rollout", "houses", "--stop");
    await one.heard(/shadow of houses version 1 stopped/);

    const canary = ["--steps", "50,100", "--bake", "10ms", "--min-requests", "5"];
    expect((await other.run("rollout", "houses", "1", ...canary)).code).toBe(0);
    await one.heard(/canary of houses version 1 is under way/);
    await publish("divided", ...rows(40));
    await one.heard(/houses version 1 is live, in place of version 2/);
    expect((await shown()).status).toBe("promoted");
    await answered(110);
    expect(new Set((await messagesOf("divided-out")).slice(70).map(({ body }) => body.version))).toEqual(
      new Set([1, 2]),
    );
    expect(await one.stop()).toBe(0);
    other.remove();
  });

  it("loses no message and gives no other id to an answer, however often it is killed", async () => {
    const n = 6000;
    // Ids are forgotten at once, so that every answer that was sent twice is there twice.
    await makeStreams("killed", 100);
    await publish("killed", ...rows(n));
    for (const kills of [1, 2, 3]) {
      const before = await countOf("killed-out");
      const one = start("killed", "--ack-wait", "1s");
      await until(async () => (await countOf("killed-out")) > before, `answers before kill ${kills}`);
      one.child.kill("SIGKILL");
      await one.ended;
    }
    const last = start("killed", "--ack-wait", "1s");
    await until(async () => (await openMessages("killed")) === 0, "every message to be settled");
    expect(await last.stop()).toBe(0);
    const answers = await messagesOf("killed-out");
    const ids = new Map<number, Set<string>>();
    for (const { id, body } of answers)
      ids.set(body.input.sequence, (ids.get(body.input.sequence) ?? new Set()).add(id));
    expect([...ids.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i + 1));
    for (const own of ids.values()) expect(own.size).toBe(1);
    expect(new Set([...ids.values()].flatMap((own) => [...own])).size).toBe(n);
    console.log(`${answers.length - n} of ${n} messages were answered twice over three kills`);
  });

  it("keeps one answer where the stream of answers remembers ids", async () => {
    await makeStreams("kept");
    await publish("kept", ...rows(2000));
    const first = start("kept", "--ack-wait", "1s");
    await until(async () => (await countOf("kept-out")) > 0, "answers");
    first.child.kill("SIGKILL");
    await first.ended;
    const second = start("kept", "--ack-wait", "1s");
    await until(async () => (await openMessages("kept")) === 0, "every message to be settled");
    expect(await second.stop()).toBe(0);
    expect(await countOf("kept-out")).toBe(2000);
  });

  it("goes on where its consumer is removed, and where its stream is made anew", async () => {
    await makeStreams("gone");
    const manager = await jetstreamManager(connection);
    const one = start("gone");
    await publish("gone", rowOf(1));
    await until(async () => (await countOf("gone-out")) === 1, "the answer before");
    await manager.consumers.delete("gone", "millrace-houses");
    await publish("gone", rowOf(2));
    await until(async () => (await countOf("gone-out")) === 2, "the answer of the consumer made anew");
    await manager.streams.delete("gone");
    await manager.streams.add({ name: "gone", subjects: ["gone.in"] });
    await publish("gone", rowOf(3));
    await until(async () => (await countOf("gone-out")) === 3, "the answer of the stream made anew");
    expect(await one.stop()).toBe(0);
  });

  it("sets aside what is too large for the streams it is sent to, and as much of it as there is room for", async () => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "small", subjects: ["small.in"] });
    await manager.streams.add({ name: "small-out", subjects: ["small.out"], max_msg_size: 200 });
    await manager.streams.add({ name: "small-dead", subjects: ["small.dead"], max_msg_size: 1024 });
    const long = "x".repeat(900);
    await publish("small", rowOf(1), long);
    const one = start("small");
    await until(async () => (await countOf("small-dead")) === 2, "both to be set aside");
    await until(async () => (await openMessages("small")) === 0, "both to be settled");
    expect(await one.stop()).toBe(0);
    const dead = await messagesOf("small-dead");
    expect(
      dead
        .toSorted((a, b) => Number(a.headers["Millrace-Sequence"]) - Number(b.headers["Millrace-Sequence"]))
        .map(({ headers, text }) => [headers["Millrace-Code"], headers["Millrace-Body"], text]),
    ).toEqual([
      ["REQUEST_TOO_LARGE", undefined, rowOf(1)],
      ["REQUEST_MALFORMED", "left in the stream", ""],
    ]);
  });

  it("sets a message aside with its body though it nearly fills what the server takes", async () => {
    await makeStreams("full");
    const long = "x".repeat(connection.info!.max_payload - 2000);
    await publish("full", long);
    const one = start("full");
    await until(async () => (await countOf("full-dead")) === 1, "it to be set aside");
    expect(await one.stop()).toBe(0);
    expect((await messagesOf("full-dead"))[0]!.text).toBe(long);
  });

  it("refuses a subject that nobody keeps, a stream that is not there, and a consumer of other messages", async () => {
    await makeStreams("refused");
    const ask = async (...args: readonly string[]): Promise<string> => {
      const answer = await project.run("stream", "houses", "--nats", server!.url, "--port", "0", ...args, "--json");
      return `${answer.code} ${answer.json<{ error: { code: string } }>().error.code}`;
    };
    expect(await ask("--from", "refused", "--to", "nowhere")).toBe("1 STREAM_UNSUITED");
    expect(await ask("--from", "refused", "--to", "refused.in")).toBe("1 STREAM_UNSUITED");
    expect(await ask("--from", "absent", "--to", "refused.out")).toBe("1 STREAM_FAILED");
    expect(await ask("--from", "refused")).toBe("2 USAGE");
    const manager = await jetstreamManager(connection);
    await manager.consumers.add("refused", { durable_name: "others", ack_policy: "none" });
    expect(await ask("--from", "refused", "--to", "refused.out", "--consumer", "others")).toBe("1 STREAM_UNSUITED");
  });
});
