/** Deterministic stream of random numbers; the only source of randomness there is. */
export interface Rng {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform integer in [0, bound), bound up to 2^32. */
  integer(bound: number): number;
  /** A stream of its own for `name`; forking never disturbs the parent, and the same name gives the same stream. */
  fork(name: string): Rng;
}

/** FNV-1a over UTF-16 code units with a murmur3 finaliser: spreads names over 32 bits. */
function hashName(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < name.length; ++i) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
export function mix32(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A stream from a seed (any number; used modulo 2^32). Method: sfc32 of PractRand, seeded through MurmurHash3 mixes. */
export function createRng(seed: number): Rng {
  const root = seed >>> 0;
  let a = mix32(root);
  let b = mix32(root + 0x9e3779b9);
  let c = mix32(root + 0x3c6ef372);
  let counter = 1;
  const nextUint32 = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; ++i) nextUint32();
  return {
    next: () => (nextUint32() * 2097152 + (nextUint32() >>> 11)) / 9007199254740992,
    integer: (bound) => Math.floor((nextUint32() / 4294967296) * bound),
    fork: (name) => createRng(hashName(root, name)),
  };
}

/** Shuffles in place (Fisher-Yates, Knuth's algorithm P). */
export function shuffle(items: Uint32Array, rng: Rng): void {
  for (let i = items.length - 1; i > 0; --i) {
    const j = rng.integer(i + 1);
    const held = items[i]!;
    items[i] = items[j]!;
    items[j] = held;
  }
}
