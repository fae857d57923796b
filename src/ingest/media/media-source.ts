import { invalidDefinition } from "../../frame/definition-fault.ts";
import type { Source } from "../source.ts";

/**
 * A row for each image (PNG, JPEG, GIF, WebP, BMP) below a folder or of a pattern: `path`, `label` (the folder's subfolder it
 * stands in), `size` in bytes, `format`, `width` and `height` in pixels, `digest`. Pixels are not decoded; files that are
 * damaged are set aside with the reason.
 */
export function images(path: string): Source {
  return media("images", path);
}

/**
 * A row for each recording (WAV, FLAC, MP3, Ogg Vorbis and Opus) below a folder or of a pattern: `path`, `label`, `size`,
 * `format`, `duration` in seconds, `sampleRate` in hertz, `channels`, `digest`; otherwise as {@link images}.
 */
export function audio(path: string): Source {
  return media("audio", path);
}

function media(kind: "images" | "audio", path: string): Source {
  if (typeof path === "string" && path !== "" && !path.includes("://")) return Object.freeze({ kind, path });
  const rule = "must be a folder or a pattern on this machine";
  throw invalidDefinition(`${kind}()`, rule, JSON.stringify(path));
}
