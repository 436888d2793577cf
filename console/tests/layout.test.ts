import { describe, expect, it } from 'vitest';
import { layOut, node, type GraphNode } from '../src/graph/layout';

const chain = (count: number): GraphNode[] =>
  Array.from({ length: count }, (_, i) => ({ name: `s${i}`, dependsOn: i === 0 ? [] : [`s${i - 1}`] }));

function overlaps({ x, y }: ReturnType<typeof layOut>) {
  const seen = new Map<string, number>();
  for (let i = 0; i < x.length; i++) {
    // Cells of a node's size: two nodes that overlap share one, or have neighbouring ones.
    const [cx, cy] = [Math.floor(x[i]! / node.width), Math.floor(y[i]! / node.height)];
    for (const dx of [-1, 0, 1]) {
      for (const dy of [-1, 0, 1]) {
        const other = seen.get(`${cx + dx},${cy + dy}`);
        if (other !== undefined && Math.abs(x[other]! - x[i]!) < node.width && Math.abs(y[other]! - y[i]!) < node.height) return [other, i];
      }
    }

    seen.set(`${cx},${cy}`, i);
  }

  return undefined;
}

describe('layOut', () => {
  it('puts a stage right of all that it waits for', () => {
    const nodes: GraphNode[] = [
      { name: 'report', dependsOn: ['train', 'read'] }, { name: 'train', dependsOn: ['split'] }, { name: 'split', dependsOn: ['read'] }, { name: 'read' },
    ];
    const { x, edges } = layOut(nodes);
    expect(edges.length).toBe(8);
    for (let e = 0; e < edges.length; e += 2) expect(x[edges[e]!]).toBeLessThan(x[edges[e + 1]!]!);
  });

  it('untangles two chains whose stages are listed crosswise', () => {
    const { y } = layOut([{ name: 'a1' }, { name: 'b1' }, { name: 'b2', dependsOn: ['b1'] }, { name: 'a2', dependsOn: ['a1'] }]);
    expect(y[0]! < y[1]!).toBe(y[3]! < y[2]!);
  });

  it('leaves out what is not there, and itself', () => {
    expect(layOut([{ name: 'a', dependsOn: ['gone', 'a'] }]).edges.length).toBe(0);
  });

  it('does not hang on a cycle, which no spec can have', () => {
    expect(layOut([{ name: 'a', dependsOn: ['b'] }, { name: 'b', dependsOn: ['a'] }]).x.length).toBe(2);
  });

  it('lays out nothing', () => {
    expect(layOut([])).toMatchObject({ width: 0, height: 0 });
  });

  it.each([
    ['a chain of 10,000', chain(10_000)],
    ['a fan of 10,000 and its join', [{ name: 'first' }, ...Array.from({ length: 9_998 }, (_, i) => ({ name: `f${i}`, dependsOn: ['first'] })), { name: 'join', dependsOn: ['f0', 'f9997'] }]],
    ['10,000 stages that wait for two each', Array.from({ length: 10_000 }, (_, i) => ({ name: `s${i}`, dependsOn: i < 2 ? [] : [`s${i >> 1}`, `s${(i * 2) / 3 | 0}`] }))],
  ])('keeps %s apart, and in a shape for a screen', (_, nodes) => {
    const placed = layOut(nodes as GraphNode[]);
    expect(overlaps(placed)).toBeUndefined();
    expect(placed.width / placed.height).toBeGreaterThan(0.25);
    expect(placed.width / placed.height).toBeLessThan(8);
  });

  it('goes on below in a band that runs the other way', () => {
    const { x, y, backwards } = layOut(chain(200));
    const turn = backwards.indexOf(1);
    expect(turn).toBeGreaterThan(0);
    expect(y[turn]).toBeGreaterThan(y[turn - 1]!);
    expect(x[turn + 1]).toBeLessThan(x[turn]!);
    // The turn is short.
    expect(Math.abs(x[turn]! - x[turn - 1]!)).toBeLessThan(3 * node.width);
  });
});
