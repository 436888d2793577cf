import { node, type Layout } from './layout';

/** What is seen of a layout: the pixel at the canvas' upper left corner, and how large a pixel of the layout is. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

/** A node as it is painted. */
export interface PaintedNode {
  name: string;
  detail: string;
  /** Names the colours: --status-pending and so on. */
  status: string;
  /** How far it is, 0 to 1. */
  fraction?: number;
}

const statuses = ['pending', 'running', 'succeeded', 'failed', 'skipped', 'cancelled', 'cached', 'none'];

/** Colours of the page's theme, as a canvas needs them. */
export function coloursOf(element: Element) {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: read('--text'), faint: read('--faint'), line: read('--edge'), card: read('--card'), accent: read('--accent'),
    font: style.fontFamily,
    status: Object.fromEntries(statuses.map((name) => [name, read(`--status-${name}`)])) as Record<string, string>,
  };
}

export type Colours = ReturnType<typeof coloursOf>;

/** The view in which all of a layout is seen, not larger than life. */
export function fit(layout: Layout, width: number, height: number): View {
  const margin = 24;
  const scale = Math.min(1, (width - 2 * margin) / Math.max(1, layout.width), (height - 2 * margin) / Math.max(1, layout.height));
  return { scale, x: layout.width / 2 - width / 2 / scale, y: layout.height / 2 - height / 2 / scale };
}

/** The node under a point of the canvas, or -1. */
export function hit(layout: Layout, view: View, px: number, py: number): number {
  const [x, y] = [view.x + px / view.scale, view.y + py / view.scale];
  // Small nodes may be missed by two pixels.
  const slack = Math.max(0, 2 / view.scale - 1);
  for (let i = 0; i < layout.x.length; i++) {
    if (x >= layout.x[i]! - slack && x < layout.x[i]! + node.width + slack && y >= layout.y[i]! - slack && y < layout.y[i]! + node.height + slack) return i;
  }

  return -1;
}

/**
 * Paints what is seen. Names appear from a scale at which they can be read; far out a node is a spot of its status' colour,
 * all of one status in one path, so that 10,000 are painted within a frame.
 */
export function paint(
  context: CanvasRenderingContext2D, width: number, height: number, view: View, layout: Layout,
  nodeOf: (index: number) => PaintedNode, selected: number, colours: Colours,
) {
  const { scale } = view;
  context.clearRect(0, 0, width, height);
  const [left, top, right, bottom] = [view.x, view.y, view.x + width / scale, view.y + height / scale];
  const seen = (i: number) =>
    layout.x[i]! + node.width >= left && layout.x[i]! <= right && layout.y[i]! + node.height >= top && layout.y[i]! <= bottom;
  context.save();
  context.scale(scale, scale);
  context.translate(-view.x, -view.y);
  paintEdges(context, view, layout, selected, colours, [left, top, right, bottom]);
  if (scale * node.height < 14) {
    const paths = new Map<string, Path2D>();
    for (let i = 0; i < layout.x.length; i++) {
      if (!seen(i)) continue;
      const { status } = nodeOf(i);
      let path = paths.get(status);
      if (!path) paths.set(status, (path = new Path2D()));
      path.rect(layout.x[i]!, layout.y[i]!, node.width, node.height);
    }

    for (const [status, path] of paths) {
      context.fillStyle = colours.status[status] ?? colours.faint;
      context.fill(path);
    }
  } else {
    for (let i = 0; i < layout.x.length; i++) if (seen(i)) paintNode(context, layout.x[i]!, layout.y[i]!, nodeOf(i), scale, colours);
  }

  if (selected >= 0) {
    context.strokeStyle = colours.accent;
    context.lineWidth = Math.max(2.5, 2.5 / scale);
    context.beginPath();
    context.roundRect(layout.x[selected]! - 2, layout.y[selected]! - 2, node.width + 4, node.height + 4, 8);
    context.stroke();
  }

  context.restore();
}

function paintEdges(
  context: CanvasRenderingContext2D, view: View, layout: Layout, selected: number, colours: Colours, [left, top, right, bottom]: [number, number, number, number],
) {
  const { x, y, backwards, edges } = layout;
  const [plain, chosen] = [new Path2D(), new Path2D()];
  const curved = view.scale > 0.25;
  for (let e = 0; e < edges.length; e += 2) {
    const [from, to] = [edges[e]!, edges[e + 1]!];
    const [x1, y1] = [x[from]! + (backwards[from] ? 0 : node.width), y[from]! + node.height / 2];
    const [x2, y2] = [x[to]! + (backwards[to] ? node.width : 0), y[to]! + node.height / 2];
    const bulge = 56;
    if (Math.max(x1, x2) + bulge < left || Math.min(x1, x2) - bulge > right || Math.max(y1, y2) < top || Math.min(y1, y2) > bottom) continue;
    const path = from === selected || to === selected ? chosen : plain;
    path.moveTo(x1, y1);
    if (curved) {
      const reach = Math.max(24, Math.min(bulge, Math.abs(x2 - x1) / 2));
      path.bezierCurveTo(x1 + (backwards[from] ? -reach : reach), y1, x2 + (backwards[to] ? reach : -reach), y2, x2, y2);
    } else {
      path.lineTo(x2, y2);
    }
  }

  context.strokeStyle = colours.line;
  context.lineWidth = Math.min(4, Math.max(1.2, 0.8 / view.scale));
  context.stroke(plain);
  context.strokeStyle = colours.accent;
  context.lineWidth *= 1.6;
  context.stroke(chosen);
}

function paintNode(context: CanvasRenderingContext2D, x: number, y: number, shown: PaintedNode, scale: number, colours: Colours) {
  const colour = colours.status[shown.status] ?? colours.faint;
  context.fillStyle = colours.card;
  context.strokeStyle = shown.status === 'pending' || shown.status === 'none' ? colours.line : colour;
  context.lineWidth = 1.4;
  context.beginPath();
  context.roundRect(x, y, node.width, node.height, 6);
  context.fill();
  context.stroke();
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, 5, node.height, [6, 0, 0, 6]);
  context.fill();
  if (shown.fraction !== undefined && shown.fraction > 0) {
    context.fillRect(x + 5, y + node.height - 3, (node.width - 8) * Math.min(1, shown.fraction), 2.5);
  }

  if (scale * 12 < 5.5) return;
  context.textBaseline = 'middle';
  context.font = `600 12.5px ${colours.font}`;
  context.fillStyle = colours.text;
  context.fillText(shorten(context, shown.name, node.width - 22), x + 13, y + (shown.detail ? 14 : 20));
  if (shown.detail) {
    context.font = `11px ${colours.font}`;
    context.fillStyle = colours.faint;
    context.fillText(shorten(context, shown.detail, node.width - 22), x + 13, y + 28.5);
  }
}

/** A text that fits, its middle left out: both ends of a stage's name tell it from others. */
function shorten(context: CanvasRenderingContext2D, text: string, width: number) {
  if (context.measureText(text).width <= width) return text;
  let [low, high] = [1, text.length - 1];
  while (low < high) {
    const keep = (low + high + 1) >> 1;
    if (context.measureText(middle(text, keep)).width <= width) low = keep;
    else high = keep - 1;
  }

  return middle(text, low);
}

const middle = (text: string, keep: number) => `${text.slice(0, Math.ceil(keep / 2))}…${text.slice(text.length - Math.floor(keep / 2))}`;
