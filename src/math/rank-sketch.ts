/** A sketch as plain data: level i holds values that stand for 2^i values each, ascending. */
export interface RankSketchData {
  readonly count: number;
  /** Least and largest; 0 of an empty sketch. */
  readonly min: number;
  readonly max: number;
  readonly levels: readonly (readonly number[])[];
}

const capacity = 200;

/**
 * Ranks and quantiles of a stream of numbers in a few kilobytes, mergeable: sketches of parts give a sketch of the whole.
 * A full level is sorted and every second value moves up, standing for both; which half moves alternates, so that the
 * errors cancel and equal input gives equal sketches (a KLL sketch without chance: Karnin, Lang, Liberty 2016).
 * Ranks are off by about 1 % of the count at most. NaN is left out.
 */
export class RankSketch {
  #levels: number[][] = [[]];
  #flips: boolean[] = [];
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  static from(data: RankSketchData): RankSketch {
    const sketch = new RankSketch();
    sketch.#levels = data.levels.map((level) => [...level]);
    sketch.#count = data.count;
    if (data.count > 0) [sketch.#min, sketch.#max] = [data.min, data.max];
    return sketch;
  }

  get count(): number {
    return this.#count;
  }

  add(values: Float64Array): void {
    let bottom = this.#levels[0]!;
    for (let i = 0, n = values.length; i < n; ++i) {
      const value = values[i]!;
      if (value !== value) continue;
      ++this.#count;
      if (value < this.#min) this.#min = value;
      if (value > this.#max) this.#max = value;
      if (bottom.push(value) < capacity) continue;
      this.#compress();
      bottom = this.#levels[0]!;
    }
  }

  merge(other: RankSketch): void {
    other.#levels.forEach((level, i) => {
      const own = (this.#levels[i] ??= []);
      for (const value of level) own.push(value);
    });
    this.#count += other.#count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#compress();
  }

  #compress(): void {
    for (let i = 0; i < this.#levels.length; ++i) {
      const level = this.#levels[i]!;
      if (level.length < capacity) continue;
      // Arrays of doubles are sorted several times faster.
      const sorted = new Float64Array(level).sort();
      // An odd one stays behind, so that weights add up to the count.
      const nPaired = sorted.length - (sorted.length % 2);
      const upper = (this.#levels[i + 1] ??= []);
      for (let k = this.#flips[i] ? 1 : 0; k < nPaired; k += 2) upper.push(sorted[k]!);
      this.#flips[i] = !this.#flips[i];
      this.#levels[i] = Array.from(sorted.subarray(nPaired));
    }
  }

  /** Share of the values that are not above `value`; NaN of an empty sketch. */
  share(value: number): number {
    let below = 0;
    this.#levels.forEach((level, i) => {
      const weight = 2 ** i;
      for (const held of level) if (held <= value) below += weight;
    });
    return below / this.#count;
  }

  /** A value at or below which about a share `p` of the values lies; NaN of an empty sketch. */
  quantile(p: number): number {
    if (this.#count === 0) return NaN;
    if (p <= 0) return this.#min;
    if (p >= 1) return this.#max;
    const held = this.#levels.flatMap((level, i) => level.map((value) => [value, 2 ** i] as const));
    held.sort((a, b) => a[0] - b[0]);
    let below = 0;
    for (const [value, weight] of held) {
      below += weight;
      if (below >= p * this.#count) return value;
    }
    return this.#max;
  }

  /** The sketch as plain data. */
  data(): RankSketchData {
    const levels = this.#levels.map((level) => Object.freeze(level.toSorted((a, b) => a - b)));
    const [min, max] = this.#count === 0 ? [0, 0] : [this.#min, this.#max];
    return Object.freeze({ count: this.#count, min, max, levels: Object.freeze(levels) });
  }
}
