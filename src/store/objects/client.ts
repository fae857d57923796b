import type { Readable } from "node:stream";
import { MillraceError } from "../../core/errors/error.ts";
import { objectFailure } from "./failures.ts";
import { loadObjectSdk, type ObjectSdk } from "./sdk.ts";
import { putFile } from "./upload.ts";

/** A bucket, and how it is reached where the environment does not say. */
export interface ObjectStoreOptions {
  readonly bucket: string;
  /** Of a store other than AWS, such as "https://minio.example.com:9000". Default AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL. */
  readonly endpoint?: string;
  /** Default AWS_REGION, AWS_DEFAULT_REGION; with an endpoint "us-east-1". */
  readonly region?: string;
}

export type ObjectEnvironment = Readonly<Record<string, string | undefined>>;

export interface ObjectFacts {
  readonly key: string;
  readonly sizeBytes: number;
  /** The server's name of this content, in quotes as it gives it; null where it gives none. */
  readonly etag: string | null;
  readonly modifiedMs: number;
}

export interface GetOptions {
  /** First byte; default 0. */
  readonly start?: number;
  /** Last byte, included; default the object's last. */
  readonly end?: number;
  /** Only this content: OBJECT_CHANGED where the object has another ETag by now. */
  readonly etag?: string | null;
  readonly signal?: AbortSignal | undefined;
}

/** A bucket of a store that speaks S3's protocol. Failures of network and server are tried again up to four times. */
export interface ObjectStore {
  readonly bucket: string;
  /** `s3://bucket/key`, as people write it. */
  place(key: string): string;
  /** null where there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<ObjectFacts | null>;
  /** `facts.sizeBytes` is the whole object's, also where only a part is asked for. Throws OBJECT_MISSING. */
  get(key: string, options?: GetOptions): Promise<{ readonly facts: ObjectFacts; readonly body: Readable }>;
  /** Puts a whole file, in parts where it is large; the object appears with its last byte. */
  put(key: string, path: string, signal?: AbortSignal): Promise<void>;
  /** False, and nothing is written, where the object exists. A server without conditional writes is asked first. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** All objects whose keys begin with `prefix`, in the order of the server. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectFacts>;
  /** Removes an object; nothing happens where there is none. */
  remove(key: string): Promise<void>;
  /** Gives up uploads in parts that began before a time and never ended; gives their number. */
  abandonUploads(prefix: string, beforeMs: number): Promise<number>;
  close(): void;
}

type Client = InstanceType<ObjectSdk["S3Client"]>;
type Settings = NonNullable<ConstructorParameters<ObjectSdk["S3Client"]>[0]>;

interface Connection {
  readonly sdk: ObjectSdk;
  readonly client: Client;
  readonly bucket: string;
  readonly place: (key: string) => string;
}

/**
 * A bucket, by the settings that every AWS tool reads from the environment; without keys in it the SDK's own chain looks
 * for a profile or a role. Nothing is sent yet. Throws PACKAGE_MISSING or OBJECT_ADDRESS_INVALID.
 */
export async function connectObjects(
  options: ObjectStoreOptions,
  environment: ObjectEnvironment = process.env,
): Promise<ObjectStore> {
  const settings = settingsOf(options, environment);
  const sdk = await loadObjectSdk();
  const client = new sdk.S3Client(settings);
  const { bucket } = options;
  const place = (key: string): string => `s3://${bucket}/${key}`;
  const connection: Connection = { sdk, client, bucket, place };
  return {
    bucket,
    place,
    head: (key, signal) => attempt(place(key), signal, () => head(connection, key, signal)),
    get: (key, given = {}) => attempt(place(key), given.signal, () => get(connection, key, given)),
    put: (key, path, signal) => attempt(place(key), signal, () => putFile(sdk, client, { bucket, key, path, signal })),
    putIfAbsent: (key, bytes) => attempt(place(key), undefined, () => putIfAbsent(connection, key, bytes)),
    list: (prefix, signal) => list(connection, prefix, signal),
    remove: (key) =>
      attempt(place(key), undefined, async () => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }));
      }),
    abandonUploads: (prefix, beforeMs) =>
      attempt(place(prefix), undefined, () => abandonUploads(connection, prefix, beforeMs)),
    close: () => client.destroy(),
  };
}

function settingsOf(options: ObjectStoreOptions, environment: ObjectEnvironment): Settings {
  const endpoint = options.endpoint ?? (environment["AWS_ENDPOINT_URL_S3"] || environment["AWS_ENDPOINT_URL"]);
  if (endpoint) requireEndpoint(endpoint);
  const region = options.region ?? (environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"]);
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
  const sessionToken = environment["AWS_SESSION_TOKEN"];
  return {
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(region ? { region } : endpoint ? { region: "us-east-1" } : {}),
    ...(accessKeyId && secretAccessKey
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } }
      : {}),
    // The SDK's newer checksums are unknown to many servers that are not AWS. Uploads are signed with the digest of their
    // bytes, and what we download we hash ourselves.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    retryMode: "standard",
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
  };
}

function requireEndpoint(endpoint: string): void {
  const isSound = URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol) && !endpoint.includes("@");
  if (isSound) return;
  const rule = "must be an address of HTTP(S) without a password";
  const actual = endpoint.replace(/\/\/.*@/s, "//...@");
  throw new MillraceError("OBJECT_ADDRESS_INVALID", { subject: "the object store's endpoint", rule, actual });
}

async function attempt<T>(place: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw objectFailure(error, place, signal);
  }
}

function optional(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

async function head(connection: Connection, key: string, signal?: AbortSignal): Promise<ObjectFacts | null> {
  const { sdk, client, bucket, place } = connection;
  try {
    const found = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), optional(signal));
    return factsOf(key, found.ContentLength, found.ETag, found.LastModified);
  } catch (error) {
    if (objectFailure(error, place(key), signal).code !== "OBJECT_MISSING") throw error;
    await requireBucket(connection, signal);
    return null;
  }
}

/** An answer to HEAD has no body that could say whether the object or the bucket is missing. */
async function requireBucket({ sdk, client, bucket, place }: Connection, signal?: AbortSignal): Promise<void> {
  try {
    await client.send(new sdk.HeadBucketCommand({ Bucket: bucket }), optional(signal));
  } catch (error) {
    const failure = objectFailure(error, place(""), signal);
    // Who may read objects need not be allowed to ask about the bucket.
    if (failure.code === "OBJECTS_DENIED") return;
    throw failure.code === "OBJECT_MISSING" ? new MillraceError("BUCKET_MISSING", { bucket }) : failure;
  }
}

async function get(
  { sdk, client, bucket }: Connection,
  key: string,
  options: GetOptions,
): Promise<{ facts: ObjectFacts; body: Readable }> {
  const { start = 0, end, etag } = options;
  const isPart = start > 0 || end !== undefined;
  const request = {
    Bucket: bucket,
    Key: key,
    ...(isPart ? { Range: `bytes=${start}-${end ?? ""}` } : {}),
    ...(etag ? { IfMatch: etag } : {}),
  };
  const found = await client.send(new sdk.GetObjectCommand(request), optional(options.signal));
  const whole = /\/(\d+)$/.exec(found.ContentRange ?? "")?.[1];
  const sizeBytes = whole === undefined ? found.ContentLength : Number(whole);
  return { facts: factsOf(key, sizeBytes, found.ETag, found.LastModified), body: found.Body as Readable };
}

function factsOf(
  key: string,
  sizeBytes: number | undefined,
  etag: string | undefined,
  modified: Date | undefined,
): ObjectFacts {
  return { key, sizeBytes: sizeBytes ?? 0, etag: etag ?? null, modifiedMs: modified?.getTime() ?? 0 };
}

async function putIfAbsent(connection: Connection, key: string, bytes: Uint8Array): Promise<boolean> {
  const { sdk, client, bucket, place } = connection;
  const put = { Bucket: bucket, Key: key, Body: bytes };
  try {
    await client.send(new sdk.PutObjectCommand({ ...put, IfNoneMatch: "*" }));
    return true;
  } catch (error) {
    if (objectFailure(error, place(key)).code === "OBJECT_CHANGED") return false;
    if (!(error instanceof Error && error.name === "NotImplemented")) throw error;
  }
  if ((await head(connection, key)) !== null) return false;
  await client.send(new sdk.PutObjectCommand(put));
  return true;
}

async function* list(connection: Connection, prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectFacts> {
  const { sdk, client, bucket, place } = connection;
  let token: string | undefined;
  do {
    const request = { Bucket: bucket, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) };
    const page = await attempt(place(prefix), signal, () =>
      client.send(new sdk.ListObjectsV2Command(request), optional(signal)),
    );
    for (const { Key, Size, ETag, LastModified } of page.Contents ?? [])
      if (Key !== undefined) yield factsOf(Key, Size, ETag, LastModified);
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

async function abandonUploads(connection: Connection, prefix: string, beforeMs: number): Promise<number> {
  const { sdk, client, bucket } = connection;
  const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
  let nAbandoned = 0;
  for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
    if (Key === undefined || UploadId === undefined || (Initiated?.getTime() ?? 0) >= beforeMs) continue;
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
    nAbandoned += 1;
  }
  return nAbandoned;
}
