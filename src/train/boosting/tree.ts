/**
 * A tree in bins, as the trainer grew it. Node n is a leaf where feature[n] = -1. Every split, of numbers and of
 * categories, is 2^routeBits route bytes, one a bin: 4 where it goes left.
 */
export interface GrownTree {
  output: number;
  nNodes: number;
  readonly feature: Int32Array;
  /** The last bin on the left of a number split; -1 for categories. */
  readonly bin: Int32Array;
  readonly missingLeft: Uint8Array;
  readonly routes: Uint8Array;
  readonly routeBits: number;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly value: Float64Array;
  readonly gain: Float64Array;
  readonly cover: Float64Array;
}

/** The arrays of a tree that kernels write. */
export type NodeField = "value" | "gain" | "cover" | "feature" | "bin" | "left" | "right" | "missingLeft";

/** Where they stand in a tree of up to `leaves` leaves, as byte offsets, and how many bytes they take: whole cache lines. */
export function treeLayout(leaves: number): Readonly<Record<NodeField | "bytes", number>> {
  const room = 2 * leaves - 1;
  return {
    value: 0,
    gain: 8 * room,
    cover: 16 * room,
    feature: 24 * room,
    bin: 28 * room,
    left: 32 * room,
    right: 36 * room,
    missingLeft: 40 * room,
    bytes: Math.ceil((41 * room) / 64) * 64,
  };
}

/** Room for a tree of `leaves` leaves over features of at most `binRoom` bins, a power of two; kernels write to the arrays in `buffer`, from byte `from` on. */
export function emptyTree(leaves: number, binRoom: number, buffer: ArrayBufferLike, from: number): GrownTree {
  const room = 2 * leaves - 1;
  const at = treeLayout(leaves);
  const words = (name: "feature" | "bin" | "left" | "right"): Int32Array =>
    new Int32Array(buffer, from + at[name], room);
  const doubles = (name: "value" | "gain" | "cover"): Float64Array => new Float64Array(buffer, from + at[name], room);
  return {
    output: 0,
    nNodes: 0,
    feature: words("feature"),
    bin: words("bin"),
    missingLeft: new Uint8Array(buffer, from + at.missingLeft, room),
    routes: new Uint8Array(room * binRoom),
    routeBits: Math.log2(binRoom),
    left: words("left"),
    right: words("right"),
    value: doubles("value"),
    gain: doubles("gain"),
    cover: doubles("cover"),
  };
}

/** Leaves one node in the tree, the root. Routes stay: they are written with each split. */
export function clearTree(tree: GrownTree, output: number): void {
  tree.output = output;
  tree.nNodes = 1;
  for (const nodes of [tree.feature, tree.bin, tree.left, tree.right]) nodes.fill(-1);
  for (const nodes of [tree.missingLeft, tree.value, tree.gain, tree.cover]) nodes.fill(0);
}

/** What is kept of a tree: arrays cut to size, and route bytes of category splits alone (the others follow from `bin`). */
export interface FinishedTree extends Omit<GrownTree, "routes" | "routeBits" | "nNodes"> {
  readonly nNodes: number;
  readonly routes: readonly (Uint8Array | null)[];
}

export function finishTree(tree: GrownTree): FinishedTree {
  const { nNodes, routeBits } = tree;
  const routes: (Uint8Array | null)[] = [];
  for (let node = 0; node < nNodes; ++node) {
    const isCategory = tree.feature[node]! >= 0 && tree.bin[node]! < 0;
    routes.push(isCategory ? tree.routes.slice(node << routeBits, (node + 1) << routeBits) : null);
  }
  return {
    output: tree.output,
    nNodes,
    feature: tree.feature.slice(0, nNodes),
    bin: tree.bin.slice(0, nNodes),
    missingLeft: tree.missingLeft.slice(0, nNodes),
    routes,
    left: tree.left.slice(0, nNodes),
    right: tree.right.slice(0, nNodes),
    value: tree.value.slice(0, nNodes),
    gain: tree.gain.slice(0, nNodes),
    cover: tree.cover.slice(0, nNodes),
  };
}

/** The leaf value of the row whose bins stand from `at`. */
export function valueOfBins(tree: GrownTree, cells: Uint8Array | Uint16Array, at: number): number {
  const { feature, routes, routeBits, left, right } = tree;
  let node = 0;
  for (let f = feature[0]!; f >= 0; f = feature[node]!) {
    node = routes[(node << routeBits) + cells[at + f]!] === 4 ? left[node]! : right[node]!;
  }
  return tree.value[node]!;
}
