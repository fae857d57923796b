import { MillraceError } from "../../core/errors/error.ts";

type S3 = typeof import("@aws-sdk/client-s3");
type Storage = typeof import("@aws-sdk/lib-storage");

export interface ObjectSdk extends Pick<
  S3,
  | "S3Client"
  | "HeadBucketCommand"
  | "HeadObjectCommand"
  | "GetObjectCommand"
  | "PutObjectCommand"
  | "DeleteObjectCommand"
  | "ListObjectsV2Command"
  | "ListMultipartUploadsCommand"
  | "AbortMultipartUploadCommand"
> {
  readonly Upload: Storage["Upload"];
}

const packages = ["@aws-sdk/client-s3", "@aws-sdk/lib-storage"] as const;

/** The AWS SDK, 22 MB that only users of object stores install. Throws PACKAGE_MISSING. */
export async function loadObjectSdk(): Promise<ObjectSdk> {
  // Its notice about coming releases on old versions of Node is for who chooses the SDK's version, not for who runs a pipeline.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  try {
    const [s3, { Upload }] = await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/lib-storage")]);
    return { ...s3, Upload };
  } catch (cause) {
    throw new MillraceError("PACKAGE_MISSING", { needs: "an object store (s3://)", packages }, { cause });
  }
}
