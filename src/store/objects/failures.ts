import { isMillraceError, MillraceError } from "../../core/errors/error.ts";

interface ServiceError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** What the servers' own names of refusals mean. Their messages are not passed on: some repeat the key that was sent. */
const denials: ReadonlyMap<string, string> = new Map([
  ["CredentialsProviderError", "no credentials were found"],
  ["InvalidAccessKeyId", "the access key is not known there"],
  ["SignatureDoesNotMatch", "the secret key does not fit the access key"],
  ["ExpiredToken", "the session token has expired"],
  ["InvalidToken", "the session token is not valid"],
  ["AccessDenied", "the account may not do this"],
  ["RequestTimeTooSkewed", "this machine's clock differs too much from the server's"],
]);

/** Whatever the SDK or a stream threw, as a coded error about `place`. */
export function objectFailure(error: unknown, place: string, signal?: AbortSignal): MillraceError {
  if (isMillraceError(error)) return error;
  if (signal?.aborted) return new MillraceError("CANCELLED", { subject: `the work on "${place}"` }, { cause: error });
  if (!(error instanceof Error)) return new MillraceError("OBJECTS_UNREACHABLE", { place, reason: String(error) });
  const failure: ServiceError = error;
  const status = failure.$metadata?.httpStatusCode;
  const options = { cause: withoutRequest(failure, status) };
  const denial = denials.get(failure.name);
  if (denial !== undefined || status === 401 || status === 403) {
    const reason = denial ?? `the server answers with status ${status}`;
    return new MillraceError("OBJECTS_DENIED", { place, reason }, options);
  }
  if (failure.name === "NoSuchBucket")
    return new MillraceError("BUCKET_MISSING", { bucket: place.split("/")[2] ?? place }, options);
  if (failure.name === "NoSuchKey" || status === 404) return new MillraceError("OBJECT_MISSING", { place }, options);
  if (failure.name === "PreconditionFailed" || status === 412)
    return new MillraceError("OBJECT_CHANGED", { place }, options);
  return new MillraceError("OBJECTS_UNREACHABLE", { place, reason: reasonOf(failure, status) }, options);
}

/** The SDK hangs the whole exchange on its errors, and with it the signature of the request. */
function withoutRequest(failure: ServiceError, status: number | undefined): Error {
  return new Error([failure.name, failure.code, status].filter((part) => part !== undefined).join(" "));
}

function reasonOf(failure: ServiceError, status: number | undefined): string {
  if (status === 301 || status === 307) return "the bucket lies in another region";
  if (status !== undefined && status >= 300) return `the server answers ${failure.name} (status ${status})`;
  if (failure.name === "TimeoutError") return "the server does not answer";
  return failure.code ?? (failure.message || failure.name);
}

/** Whether trying again may help: the network, or a server that is busy or restarts. */
export function isPassing(error: MillraceError): boolean {
  return error.code === "OBJECTS_UNREACHABLE" || error.code === "OBJECT_TRUNCATED";
}
