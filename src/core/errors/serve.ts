/** Requests and the server. */
export const serveErrors = {
  REQUEST_INVALID: {
    status: 422,
    exit: 1,
    message: (c: { count: number; first: string }): string =>
      `the request breaks the contract in ${c.count} ${c.count === 1 ? "place" : "places"}; first: ${c.first}`,
    remedy: (): string => "Send rows as the contract asks; GET /openapi.json shows it.",
  },
  REQUEST_MALFORMED: {
    status: 400,
    exit: 1,
    message: (c: { reason: string }): string => `the request cannot be read: ${c.reason}`,
    remedy: (): string => 'Send JSON: { "rows": [ { ... } ] } with content-type application/json.',
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
    remedy: (): string => "Set the header `content-type: application/json`.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    exit: 1,
    message: (c: { limitMs: number }): string => `the request did not arrive whole within ${c.limitMs / 1000} s`,
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
    remedy: (): string => "Listen on 127.0.0.1 and put a reverse proxy with authentication before it.",
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
