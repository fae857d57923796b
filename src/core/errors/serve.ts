/** Requests and the server. */
export const serveErrors = {
  REQUEST_INVALID: {
    status: 422,
    exit: 1,
    message: (c: { count: number; first: string }): string =>
      `the request breaks the contract in ${c.count} ${c.count === 1 ? "place" : "places"}; first: ${c.first}`,
    remedy: (): string => "Send rows as the contract asks; GET /openapi.json and `millrace card MODEL` show it.",
  },
  REQUEST_MALFORMED: {
    status: 400,
    exit: 1,
    message: (c: { reason: string }): string => `the request cannot be read: ${c.reason}`,
    remedy: (c: { remedy?: string | undefined }): string =>
      c.remedy ?? 'Send JSON: { "rows": [ { ... } ] } with content-type application/json.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    exit: 1,
    message: (c: { subject: string; limit: string; actual: string }): string =>
      `${c.subject} is limited to ${c.limit}, got ${c.actual}`,
    remedy: (): string => "Send fewer rows a request.",
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    exit: 1,
    message: (c: { method: string; path: string }): string => `there is no ${c.method} ${c.path}`,
    remedy: (): string => "GET /docs lists the routes.",
  },
  OVERLOADED: {
    status: 429,
    exit: 1,
    message: (c: { limit: number }): string => `more than ${c.limit} requests are waiting`,
    remedy: (): string => "Wait as Retry-After says, then send again.",
  },
  MEDIA_TYPE_UNKNOWN: {
    status: 415,
    exit: 1,
    message: (c: { actual: string }): string => `the body must be application/json, got ${c.actual}`,
    remedy: (): string =>
      "Set the header `content-type: application/json`; a batch takes application/x-ndjson, text/csv or application/vnd.apache.parquet.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    exit: 1,
    message: (c: { limitMs: number }): string => `the request did not arrive whole within ${c.limitMs} ms`,
    remedy: (): string => "Send the whole request at once.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    exit: 1,
    message: (c: { limit: string }): string => `the headers are limited to ${c.limit}, got more`,
    remedy: (): string => "Send fewer or shorter headers.",
  },
  HOST_REFUSED: {
    status: 421,
    exit: 1,
    message: (c: { header: string; actual: string }): string =>
      `the ${c.header} header must name an allowed host, got ${JSON.stringify(c.actual)}`,
    remedy: (): string => "Ask for 127.0.0.1 or localhost, or allow the host's name when the server is started.",
  },
  NOT_READY: {
    status: 503,
    exit: 1,
    message: (c: { reason: string }): string => `the server is not ready: ${c.reason}`,
    remedy: (): string => "Try again later; GET /healthz says whether the server lives.",
  },
  MODEL_UNNAMED: {
    status: 400,
    exit: 1,
    message: (c: { found: readonly string[] }): string =>
      `the path names no model and several are live: ${c.found.map((name) => JSON.stringify(name.slice(0, 100))).join(", ")}`,
    remedy: (): string => "Name one: POST /v1/models/{name}/predict or /v2/models/{name}/infer; or serve one model.",
  },
  STREAM_FAILED: {
    status: 503,
    exit: 1,
    message: (c: { stream: string; reason: string }): string =>
      `the stream "${c.stream}" cannot be worked with: ${c.reason}`,
    remedy: (): string =>
      "Check that the NATS server runs with JetStream and holds the stream. Messages that were not acknowledged come again.",
  },
  STREAM_UNSUITED: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; rule: string; actual: string }): string =>
      `${c.subject} must ${c.rule}, got ${c.actual}`,
    remedy: (): string => "Add a stream for the subject (`nats stream add`), or name another subject or consumer.",
  },
  LOG_UNWRITABLE: {
    status: 503,
    exit: 1,
    message: (c: { reason: string }): string => `the prediction log cannot be written: ${c.reason}`,
    remedy: (): string =>
      "Free space on the disk of the store; until then nothing is answered that could not be recorded. Send again as Retry-After says.",
  },
  BATCH_UNWRITABLE: {
    status: 503,
    exit: 1,
    message: (c: { reason: string }): string =>
      `the body of a batch cannot be kept until it is whole, as Parquet must be: ${c.reason}`,
    remedy: (): string =>
      "Send JSON lines or CSV, which need no file; or free space where the server keeps temporary files.",
  },
  PORT_TAKEN: {
    status: 500,
    exit: 1,
    message: (c: { host: string; port: number }): string => `port ${c.port} on ${c.host} is taken`,
    remedy: (): string => "Choose another with --port, or --port 0 for any free one.",
  },
  ADDRESS_REFUSED: {
    status: 500,
    exit: 2,
    message: (c: { host: string }): string =>
      `will not listen on ${c.host}: without keys only loopback addresses are allowed`,
    remedy: (): string =>
      "Make a key first, with `millrace keys add NAME --role predict`; or listen on 127.0.0.1, behind a proxy with authentication.",
  },
  ADDRESS_INVALID: {
    status: 500,
    exit: 2,
    message: (c: { host: string }): string => `cannot listen on ${JSON.stringify(c.host)}: it is no address`,
    remedy: (): string => "Give an address of this machine, as 127.0.0.1 or 0.0.0.0 for all of them.",
  },
  KEY_REQUIRED: {
    status: 401,
    exit: 1,
    message: (c: { reason: string }): string => `a key is needed: ${c.reason}`,
    remedy: (): string => "Send `Authorization: Bearer KEY` with a key of `millrace keys add`, not expired or revoked.",
  },
  ROLE_INSUFFICIENT: {
    status: 403,
    exit: 1,
    message: (c: { role: string; needed: string }): string =>
      `a key of role ${c.role} may not do this; it needs role ${c.needed}`,
    remedy: (): string => "Ask whoever runs the server for a key of that role.",
  },
  KEY_FAILURES: {
    status: 429,
    exit: 1,
    message: (c: { seconds: number }): string => `too many keys from this address were refused; wait ${c.seconds} s`,
    remedy: (): string => "Check the key, and wait as Retry-After says.",
  },
  KEY_EXISTS: {
    status: 409,
    exit: 2,
    message: (c: { name: string; id: string }): string => `there is a key "${c.name}" already (${c.id})`,
    remedy: (): string => "Take another name, or revoke that key first.",
  },
  KEY_NOT_FOUND: {
    status: 404,
    exit: 2,
    message: (c: { key: string; found: readonly string[] }): string =>
      `there is no key "${c.key}"${c.found.length ? `; there are ${c.found.join(", ")}` : ""}`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest ? `Did you mean "${c.nearest}"?` : "List them with `millrace keys`.",
  },
  CLIENT_REFUSED: {
    status: 502,
    exit: 1,
    message: (c: { url: string; status: number; detail: string }): string =>
      `${c.url} ${c.status === 0 ? "did not answer" : `answered ${c.status}`}: ${c.detail}`,
    remedy: (): string => "Check the request against the contract at /openapi.json.",
  },
  USAGE: {
    status: 400,
    exit: 2,
    message: (c: { reason: string }): string => c.reason,
    remedy: (c: { help?: string | undefined }): string => c.help ?? "See `millrace --help`.",
  },
};
