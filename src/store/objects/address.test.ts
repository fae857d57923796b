import { describe, expect, it } from "vitest";
import { isObjectAddress, parseObjectAddress } from "./address.ts";

describe("an address of objects", () => {
  it.each([
    ["s3://shop", "shop", ""],
    ["s3://shop/", "shop", ""],
    ["S3://shop/a/b.csv", "shop", "a/b.csv"],
    ["s3://my.shop-1/a b/ü=%C3?*.csv", "my.shop-1", "a b/ü=%C3?*.csv"],
    ["s3://shop//double//", "shop", "/double//"],
  ])("%s is a bucket and a key", (text, bucket, key) => {
    expect(isObjectAddress(text)).toBe(true);
    expect(parseObjectAddress(text, "x")).toEqual({ bucket, key });
  });

  it.each(["s3://", "s3:///key", "s3://UPPER/x", "s3://a/x", "s3://a_b/x", "http://shop/x", "shop/x", "s3://shop/\0"])(
    "%j is refused",
    (text) => {
      expect(() => parseObjectAddress(text, "the place")).toThrow(
        expect.objectContaining({ code: "OBJECT_ADDRESS_INVALID" }),
      );
    },
  );

  it.each(["s3://key:SECRET@shop/x", "s3://SECRET@shop"])("%s is refused without repeating it", (text) => {
    expect(() => parseObjectAddress(text, "the place")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("SECRET") as string }),
    );
  });
});
