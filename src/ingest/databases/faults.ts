import { formatDuration } from "../../core/duration.ts";
import { isMillraceError, MillraceError } from "../../core/errors/error.ts";

/** PostgreSQL's classes of SQLSTATE, MySQL's names of errors: who may not enter, and what was wrongly asked. */
const denied =
  /^(28...|42501|ER_(ACCESS_DENIED|DBACCESS_DENIED|TABLEACCESS_DENIED|COLUMNACCESS_DENIED|NOT_SUPPORTED_AUTH).*)$/;
const wronglyAsked =
  /^(42...|3D000|3F000|25006|22...|0A000|54...|ER_(NO_SUCH_TABLE|BAD_(DB|TABLE|FIELD)_ERROR|PARSE_ERROR|CANT_EXECUTE_IN_READ_ONLY.*|SYNTAX.*|NON_UNIQ.*|DUP_FIELDNAME|UNSUPPORTED_PS|WRONG_.*|SP_DOES.*))$/;
const tooLate = /^(57014|ER_QUERY_TIMEOUT|ER_STATEMENT_TIMEOUT|PROTOCOL_SEQUENCE_TIMEOUT)$/;

/**
 * What a driver throws as an error of ours: SOURCE_DENIED, SOURCE_QUERY_INVALID, CANCELLED, or SOURCE_UNREACHABLE for a
 * server that is not there, goes or is too slow. No secret gets into the message.
 */
export function databaseFault(
  error: unknown,
  source: {
    readonly path: string;
    readonly secrets: readonly string[];
    readonly timeoutMs: number;
    readonly isLate: boolean;
    readonly isCancelled: boolean;
  },
): MillraceError {
  const { path } = source;
  if (isMillraceError(error)) return error;
  if (source.isCancelled) return new MillraceError("CANCELLED", { subject: `reading "${path}"` }, { cause: error });
  const code = codeOf(error);
  if (source.isLate || tooLate.test(code)) {
    const reason = `it took longer than ${formatDuration(source.timeoutMs)}`;
    return new MillraceError("SOURCE_UNREACHABLE", { path, reason });
  }
  const reason = withoutSecrets(reasonOf(error, code), source.secrets);
  if (denied.test(code)) return new MillraceError("SOURCE_DENIED", { path, reason });
  if (wronglyAsked.test(code)) return new MillraceError("SOURCE_QUERY_INVALID", { path, reason });
  return new MillraceError("SOURCE_UNREACHABLE", { path, reason });
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

function reasonOf(error: unknown, code: string): string {
  // An address with several families fails as one error of many, without a message of its own.
  const text = error instanceof Error ? error.message : String(error);
  return (text === "" ? code : text).split("\n", 1)[0]!.slice(0, 300);
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "***");
  return clean;
}
