/** A SHA-256 digest in lower-case hexadecimal with its scheme in front. */
export type Digest = `sha256:${string}`;

const roundConstants = /* @__PURE__ */ (() => {
  // FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  const constants = new Uint32Array(64);
  let found = 0;
  for (let candidate = 2; found < 64; ++candidate) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; ++divisor) if (candidate % divisor === 0) isPrime = false;
    if (isPrime) constants[found++] = fractionOfCubeRoot(candidate);
  }
  return constants;
})();

/** floor(frac(cbrt(n)) * 2^32) in exact integer arithmetic, so that no engine's `cbrt` can change a digest. */
function fractionOfCubeRoot(n: number): number {
  const scaled = BigInt(n) << 96n;
  let low = 0n;
  let high = 1n << 40n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle * middle * middle <= scaled) low = middle;
    else high = middle - 1n;
  }
  return Number(low & 0xffffffffn);
}

function compress(state: Uint32Array, block: DataView, offset: number, w: Uint32Array): void {
  for (let t = 0; t < 16; ++t) w[t] = block.getUint32(offset + 4 * t);
  for (let t = 16; t < 64; ++t) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = w[t - 16]! + s0 + w[t - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; ++t) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + roundConstants[t]! + w[t]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  const sums = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; ++i) state[i] = state[i]! + sums[i]!;
}

/**
 * SHA-256 (FIPS 180-4) of bytes or of the UTF-8 of a text, synchronously and without any platform API, so that a model
 * file can be checked in a browser. The store uses the platform's faster one for large files.
 */
export function sha256(input: Uint8Array | string): Digest {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const tail = new Uint8Array((((bytes.length % 64) + 8) >> 6) * 64 + 64);
  const whole = bytes.length - (bytes.length % 64);
  tail.set(bytes.subarray(whole));
  tail[bytes.length - whole] = 0x80;
  const tailView = new DataView(tail.buffer);
  tailView.setUint32(tail.length - 8, Math.floor(bytes.length / 0x20000000));
  tailView.setUint32(tail.length - 4, bytes.length << 3);
  const state = Uint32Array.of(
    0x6a09e667,
    0xbb67ae85,
    0x3c6ef372,
    0xa54ff53a,
    0x510e527f,
    0x9b05688c,
    0x1f83d9ab,
    0x5be0cd19,
  );
  const w = new Uint32Array(64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset < whole; offset += 64) compress(state, view, offset, w);
  for (let offset = 0; offset < tail.length; offset += 64) compress(state, tailView, offset, w);
  return `sha256:${Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("")}`;
}
