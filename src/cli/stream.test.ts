import { describe, expect, it } from "vitest";
import { messagesOf } from "./stream.ts";

const url = "nats://user:secret@nats.example:4222";
const given = { from: "CUSTOMERS", to: "churn.scores" };
const usage = expect.objectContaining({ code: "USAGE" });

describe("the options of `millrace stream`", () => {
  it("take the address from the environment and make up a consumer for each model", () => {
    expect(messagesOf("churn@stable", given, { NATS_URL: url })).toEqual({
      model: "churn@stable",
      url,
      stream: "CUSTOMERS",
      to: "churn.scores",
      consumer: "millrace-churn-stable",
      ackWaitMs: 60_000,
    });
  });

  it("name where refused messages go, what is read, and when it comes again", () => {
    const all = { ...given, dead: "churn.dead", subject: "new.*", consumer: "c1", ackWait: "5s", nats: "nats://h:1" };
    const read = { dead: "churn.dead", subject: "new.*", consumer: "c1", ackWaitMs: 5000, url: "nats://h:1" };
    expect(messagesOf("churn", all, {})).toMatchObject(read);
  });

  it.each([
    [{ ...given, nats: url }, /password/],
    [given, /NATS_URL/],
    [{ ...given, nats: "http://h" }, /nats:\/\//],
    [{ ...given, nats: "nats://h", from: "" }, /--from/],
    [{ from: "CUSTOMERS", nats: "nats://h" }, /--to/],
    [{ ...given, nats: "nats://h", consumer: "a.b" }, /--consumer/],
    [{ ...given, nats: "nats://h", ackWait: "10ms" }, /--ack-wait/],
  ])("refuse %j", (options, reason) => {
    expect(() => messagesOf("churn", options, {})).toThrow(usage);
    expect(() => messagesOf("churn", options, {})).toThrow(reason);
  });
});
