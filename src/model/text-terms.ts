/** Words of a term index as a trie: a term is a path of words, so runs of words are found without joining strings. */
export interface TermIndex {
  /** Node of each first word, and number of each word in `words`. */
  readonly words: ReadonlyMap<string, number>;
  /** Child of a node by word: node * words.size + word -> node. */
  readonly next: ReadonlyMap<number, number>;
  /** Term a node stands for, -1 where it is only on the way to longer ones. */
  readonly termOf: Int32Array;
  readonly ngrams: number;
}

/**
 * The words of a text: runs of at least two letters, combining marks, digits or underscores (Unicode), lowercased.
 * Of ASCII text these are the words of scikit-learn's TfidfVectorizer.
 */
export function wordsOf(text: string): readonly string[] {
  const lower = text.toLowerCase();
  return lower.match(/[\u0080-\uffff]/.test(lower) ? unicodeWords() : /[a-z0-9_]{2,}/g) ?? [];
}

let ofUnicode: RegExp | undefined;

/** No literal: the engine reads one with the text around it, and the classes of Unicode take it a millisecond. */
function unicodeWords(): RegExp {
  return (ofUnicode ??= new RegExp("[\\p{L}\\p{M}\\p{N}_]{2,}", "gu"));
}

/** All terms of a text with repeats: its words, then its runs of two words joined by a space, up to `ngrams`. */
export function termsOf(text: string, ngrams: number): string[] {
  const words = wordsOf(text);
  const terms = [...words];
  for (let n = 2; n <= ngrams; ++n)
    for (let i = 0; i + n <= words.length; ++i) terms.push(words.slice(i, i + n).join(" "));
  return terms;
}

/** An index that finds `terms` (words joined by single spaces) in texts; positions in `terms` are term numbers. */
export function indexTerms(terms: readonly string[], ngrams: number): TermIndex {
  const words = new Map<string, number>();
  for (const term of terms) for (const word of term.split(" ")) if (!words.has(word)) words.set(word, words.size);
  const next = new Map<number, number>();
  const termOf: number[] = Array.from(words, () => -1);
  terms.forEach((term, number) => {
    const [first, ...rest] = term.split(" ");
    let node = words.get(first!)!;
    for (const word of rest) {
      const key = node * words.size + words.get(word)!;
      let child = next.get(key);
      if (child === undefined) {
        child = termOf.push(-1) - 1;
        next.set(key, child);
      }
      node = child;
    }
    termOf[node] = number;
  });
  return { words, next, termOf: Int32Array.from(termOf), ngrams };
}

/** Numbers of the index's terms in a text, ascending, repeated as often as they occur. */
export function findTerms(text: string, index: TermIndex): Uint32Array {
  const { words, next, termOf, ngrams } = index;
  const numbers = wordsOf(text).map((word) => words.get(word) ?? -1);
  const found: number[] = [];
  for (let i = 0; i < numbers.length; ++i) {
    let node = numbers[i]!;
    for (let n = 1; node >= 0; ++n) {
      if (termOf[node]! >= 0) found.push(termOf[node]!);
      const follower = n < ngrams ? (numbers[i + n] ?? -1) : -1;
      node = follower < 0 ? -1 : (next.get(node * words.size + follower) ?? -1);
    }
  }
  return Uint32Array.from(found).sort();
}
