import { StringDecoder } from "node:string_decoder";

const longestText = 1_000;
/** Beyond so many characters in all, of a record only its number and the reason are kept. */
const mostTexts = 8_000_000;

/** The beginnings of what a source's files hold that is set aside, bounded over all of them. */
export class ShownTexts {
  #nChars = 0;

  /** The first 1,000 bytes between `start` and `end`, without line ends behind them. */
  of(bytes: Buffer, start: number, end: number): string {
    if (this.#nChars > mostTexts) return "";
    // A character that is cut in two is left out.
    const shown = new StringDecoder("utf8").write(bytes.subarray(start, Math.min(end, start + longestText)));
    return this.keep(shown.replace(/[\r\n]+$/, ""));
  }

  /** The text, or none where there are too many already. */
  keep(text: string): string {
    if (this.#nChars > mostTexts) return "";
    this.#nChars += text.length;
    return text;
  }
}
