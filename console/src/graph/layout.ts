/** A node of a graph without cycles, and the names of those it waits for. */
export interface GraphNode {
  name: string;
  dependsOn?: readonly string[];
}

/** Where everything lies, in pixels at scale 1; a node's place is its upper left corner. */
export interface Layout {
  x: Float64Array;
  y: Float64Array;
  /** 1 where a node's band goes from right to left. */
  backwards: Uint8Array;
  /** Pairs of nodes: from, to. */
  edges: Uint32Array;
  width: number;
  height: number;
}

export const node = { width: 168, height: 40 };
const gap = { x: 56, y: 14 };
const bandGap = 60;
const sweeps = 4;

/**
 * Lays a graph out in layers from left to right (Sugiyama: layers by the longest path, then the order in each by the
 * barycentre of its neighbours). Two things keep 10,000 stages readable: a layer of many becomes a block of several
 * columns, and a graph much longer than high is folded into bands, each going on below the last one's end.
 * Takes O((V + E) log V).
 */
export function layOut(nodes: readonly GraphNode[]): Layout {
  const edges = edgesOf(nodes);
  const layers = order(layersOf(nodes.length, edges), edges, nodes.length);
  return place(layers, edges, nodes.length);
}

function edgesOf(nodes: readonly GraphNode[]): Uint32Array {
  const places = new Map(nodes.map((n, i) => [n.name, i]));
  const edges: number[] = [];
  nodes.forEach((n, to) =>
    n.dependsOn?.forEach((name) => {
      const from = places.get(name);
      if (from !== undefined && from !== to) edges.push(from, to);
    }),
  );
  return Uint32Array.from(edges);
}

/** Neighbours of each node in one array: those of node i stand from starts[i] to starts[i + 1]. */
function neighbours(count: number, edges: Uint32Array, of: 0 | 1) {
  const starts = new Uint32Array(count + 1);
  for (let e = of; e < edges.length; e += 2) starts[edges[e]! + 1]!++;
  for (let i = 0; i < count; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice(0, count);
  const list = new Uint32Array(edges.length / 2);
  for (let e = 0; e < edges.length; e += 2) list[next[edges[e + of]!]!++] = edges[e + 1 - of]!;
  return { starts, list };
}

function layersOf(count: number, edges: Uint32Array): number[][] {
  const { starts, list } = neighbours(count, edges, 0);
  const waits = new Uint32Array(count);
  for (let e = 1; e < edges.length; e += 2) waits[edges[e]!]!++;
  const layer = new Uint32Array(count);
  const ready: number[] = [];
  for (let i = 0; i < count; i++) if (waits[i] === 0) ready.push(i);
  for (let next = 0; next < ready.length; next++) {
    const from = ready[next]!;
    for (let k = starts[from]!; k < starts[from + 1]!; k++) {
      const to = list[k]!;
      layer[to] = Math.max(layer[to]!, layer[from]! + 1);
      if (--waits[to]! === 0) ready.push(to);
    }
  }

  const layers: number[][] = [];
  for (let i = 0; i < count; i++) (layers[layer[i]!] ??= []).push(i);
  return layers;
}

function order(layers: number[][], edges: Uint32Array, count: number): number[][] {
  const before = neighbours(count, edges, 1);
  const after = neighbours(count, edges, 0);
  // Between 0 and 1 within its layer: layers of different sizes compare.
  const position = new Float64Array(count);
  const number = (layer: number[]) => layer.forEach((n, i) => (position[n] = (i + 0.5) / layer.length));
  layers.forEach(number);
  const weight = new Float64Array(count);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const { starts, list } = sweep % 2 === 0 ? before : after;
    for (let l = 0; l < layers.length; l++) {
      const layer = layers[sweep % 2 === 0 ? l : layers.length - 1 - l]!;
      if (layer.length === 1) continue;
      for (const n of layer) {
        let sum = 0;
        for (let k = starts[n]!; k < starts[n + 1]!; k++) sum += position[list[k]!]!;
        const degree = starts[n + 1]! - starts[n]!;
        weight[n] = degree === 0 ? position[n]! : sum / degree;
      }

      layer.sort((a, b) => weight[a]! - weight[b]!);
      number(layer);
    }
  }

  return layers;
}

function place(layers: number[][], edges: Uint32Array, count: number): Layout {
  const sizes = layers.map(({ length }) => {
    const columns = Math.ceil(length / Math.max(24, Math.ceil(Math.sqrt(length * 4))));
    const rows = Math.ceil(length / columns);
    // Columns of one block stand closer than layers do.
    return { rows, width: columns * node.width + (columns - 1) * gap.y, height: rows * (node.height + gap.y) - gap.y };
  });
  const total = sizes.reduce((sum, size) => sum + size.width + gap.x, 0);
  const highest = sizes.reduce((most, size) => Math.max(most, size.height), 0);
  // Bands are filled until the whole is about twice as wide as high; a few layers are read best in one.
  const bandWidth = layers.length > 16 && total / (highest + bandGap) > 12 ? Math.max(1200, Math.sqrt(total * (highest + bandGap) * 2)) : Infinity;

  const x = new Float64Array(count);
  const y = new Float64Array(count);
  const backwards = new Uint8Array(count);
  let [top, width] = [0, 0];
  for (let first = 0, band = 0; first < layers.length; band++) {
    let [last, bandIs, bandHigh] = [first, 0, 0];
    do {
      bandIs += sizes[last]!.width + gap.x;
      bandHigh = Math.max(bandHigh, sizes[last]!.height);
      last++;
    } while (last < layers.length && bandIs + sizes[last]!.width <= bandWidth);

    const reverse = band % 2 === 1;
    let left = 0;
    for (let l = first; l < last; l++) {
      const size = sizes[l]!;
      layers[l]!.forEach((n, i) => {
        const column = Math.floor(i / size.rows);
        const inColumn = Math.min(size.rows, layers[l]!.length - column * size.rows);
        const at = left + column * (node.width + gap.y);
        x[n] = reverse ? (bandWidth === Infinity ? bandIs : bandWidth) - at - node.width : at;
        y[n] = top + (bandHigh - inColumn * (node.height + gap.y) + gap.y) / 2 + (i % size.rows) * (node.height + gap.y);
        backwards[n] = reverse ? 1 : 0;
        width = Math.max(width, x[n]! + node.width);
      });
      left += size.width + gap.x;
    }

    top += bandHigh + bandGap;
    first = last;
  }

  return { x, y, backwards, edges, width, height: Math.max(0, top - bandGap) };
}
