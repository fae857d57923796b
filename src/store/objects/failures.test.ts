import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { MillraceError } from "../../core/errors/error.ts";
import { isPassing, objectFailure } from "./failures.ts";

/** An error as the SDK throws it: with the whole exchange hanging on it. */
function serviceError(name: string, status: number): Error {
  const exchange = { $metadata: { httpStatusCode: status }, $response: { authorization: "Signature=hush" } };
  return Object.assign(new Error(`hush ${name}`), { name, ...exchange });
}

const place = "s3://shop/a.csv";

describe("a failure of an object store", () => {
  it.each([
    ["AccessDenied", 403, "OBJECTS_DENIED"],
    ["SignatureDoesNotMatch", 403, "OBJECTS_DENIED"],
    ["Unknown", 403, "OBJECTS_DENIED"],
    ["ExpiredToken", 400, "OBJECTS_DENIED"],
    ["NoSuchBucket", 404, "BUCKET_MISSING"],
    ["NoSuchKey", 404, "OBJECT_MISSING"],
    ["NotFound", 404, "OBJECT_MISSING"],
    ["PreconditionFailed", 412, "OBJECT_CHANGED"],
    ["SlowDown", 503, "OBJECTS_UNREACHABLE"],
    ["PermanentRedirect", 301, "OBJECTS_UNREACHABLE"],
  ])("called %s with status %i is %s, and repeats nothing of the request", (name, status, code) => {
    const failure = objectFailure(serviceError(name, status), place);
    expect(failure).toMatchObject({ code });
    expect(inspect(failure, { depth: 20 })).not.toContain("hush");
    expect(failure.message).toContain("shop");
  });

  it("of the network is told by its code and may pass; others do not", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const failure = objectFailure(refused, place);
    expect([failure.message, isPassing(failure)]).toEqual([`the object store of "${place}" fails: ECONNREFUSED`, true]);
    expect(isPassing(objectFailure(serviceError("AccessDenied", 403), place))).toBe(false);
    expect(objectFailure("odd", place)).toMatchObject({ code: "OBJECTS_UNREACHABLE" });
  });

  it("that has a code keeps it, and is CANCELLED where somebody asked for it", () => {
    const own = new MillraceError("OBJECT_MISSING", { place });
    expect(objectFailure(own, "elsewhere")).toBe(own);
    expect(objectFailure(new Error("aborted"), place, AbortSignal.abort())).toMatchObject({ code: "CANCELLED" });
  });

  it("for want of credentials says so", () => {
    const none = Object.assign(new Error("Could not load credentials from any providers"), {
      name: "CredentialsProviderError",
    });
    expect(objectFailure(none, place)).toMatchObject({
      code: "OBJECTS_DENIED",
      message: expect.stringContaining("no credentials were found") as string,
      remedy: expect.stringContaining("AWS_ACCESS_KEY_ID") as string,
    });
  });
});
