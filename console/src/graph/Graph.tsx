import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { layOut, node, type GraphNode } from './layout';
import { coloursOf, fit, hit, paint, type PaintedNode, type View } from './painter';

interface Props {
  nodes: readonly GraphNode[];
  /** Other numbers ask for another layout, or another painting. */
  structure: number;
  version: number;
  shown: (index: number) => PaintedNode;
  selected?: string;
  onSelect: (name: string | undefined) => void;
  label: string;
}

/** A graph of stages on a canvas: drag to move, turn the wheel to zoom, click to choose. The table beside says the same in text. */
export function Graph({ nodes, structure, version, shown, selected, onSelect, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<View | undefined>(undefined);
  const drag = useRef<{ x: number; y: number; moved: boolean } | undefined>(undefined);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [hint, setHint] = useState('');
  const [, setMoved] = useState(0);
  const layout = useMemo(() => layOut(nodes), [nodes, structure]);
  const place = useMemo(() => nodes.findIndex((n) => n.name === selected), [nodes, structure, selected]);
  // Until somebody moves it, all is seen.
  const touched = useRef(false);
  const move = (next: View) => {
    touched.current = true;
    view.current = next;
    setMoved((n) => n + 1);
  };
  const fitAll = () => {
    touched.current = false;
    setMoved((n) => n + 1);
  };

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setSize({ width: entry!.contentRect.width, height: entry!.contentRect.height }));
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const repaint = () => setMoved((n) => n + 1);
    theme.addEventListener('change', repaint);
    return () => theme.removeEventListener('change', repaint);
  }, []);

  useLayoutEffect(() => {
    const element = canvas.current!;
    const ratio = devicePixelRatio;
    const [w, h] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    if (w === 0 || h === 0) return;
    if (element.width !== w || element.height !== h) [element.width, element.height] = [w, h];
    if (!touched.current || !view.current) view.current = fit(layout, size.width, size.height);
    const context = element.getContext('2d')!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint(context, size.width, size.height, view.current, layout, shown, place, coloursOf(element));
    element.dataset.painted = String(nodes.length);
  });

  // Somebody chose it in the table: bring it into sight.
  useEffect(() => {
    if (place < 0 || !view.current || size.width === 0) return;
    const { x, y, scale } = view.current;
    const [px, py] = [(layout.x[place]! - x) * scale, (layout.y[place]! - y) * scale];
    if (px < 0 || py < 0 || px + node.width * scale > size.width || py + node.height * scale > size.height) {
      move({ scale, x: layout.x[place]! + node.width / 2 - size.width / 2 / scale, y: layout.y[place]! + node.height / 2 - size.height / 2 / scale });
    }
  }, [place]);

  const zoom = (factor: number, px = size.width / 2, py = size.height / 2) => {
    const { x, y, scale } = view.current!;
    const next = Math.min(2.5, Math.max(0.004, scale * factor));
    move({ scale: next, x: x + px / scale - px / next, y: y + py / scale - py / next });
  };

  useEffect(() => {
    const element = canvas.current!;
    // Listened to by hand: the page must not scroll, which a passive listener could not prevent.
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      zoom(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 0.05 : 0.0015)), e.offsetX, e.offsetY);
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  });

  const onKeyDown = (e: KeyboardEvent) => {
    const { x, y, scale } = view.current!;
    const step = 60 / scale;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => move({ scale, x: x - step, y }), ArrowRight: () => move({ scale, x: x + step, y }),
      ArrowUp: () => move({ scale, x, y: y - step }), ArrowDown: () => move({ scale, x, y: y + step }),
      '+': () => zoom(1.3), '=': () => zoom(1.3), '-': () => zoom(1 / 1.3), '0': fitAll, Escape: () => onSelect(undefined),
    };
    if (moves[e.key] && !e.ctrlKey && !e.metaKey) {
      e.preventDefault();
      moves[e.key]!();
    }
  };

  return (
    <div class="graph" data-version={version}>
      <canvas
        ref={canvas} tabIndex={0} role="application" aria-label={label} title={hint} onKeyDown={onKeyDown}
        onPointerDown={(e) => {
          drag.current = { x: e.offsetX, y: e.offsetY, moved: false };
          e.currentTarget.setPointerCapture(e.pointerId);
        }}
        onPointerMove={(e) => {
          const d = drag.current;
          if (d) {
            d.moved ||= Math.abs(e.offsetX - d.x) + Math.abs(e.offsetY - d.y) > 4;
            if (!d.moved) return;
            const { x, y, scale } = view.current!;
            move({ scale, x: x - (e.offsetX - d.x) / scale, y: y - (e.offsetY - d.y) / scale });
            [d.x, d.y] = [e.offsetX, e.offsetY];
          } else {
            const i = view.current ? hit(layout, view.current, e.offsetX, e.offsetY) : -1;
            setHint(i < 0 ? '' : `${shown(i).name}: ${shown(i).status}`);
          }
        }}
        onPointerUp={(e) => {
          if (drag.current && !drag.current.moved) {
            const i = hit(layout, view.current!, e.offsetX, e.offsetY);
            onSelect(i < 0 ? undefined : nodes[i]!.name);
          }

          drag.current = undefined;
        }}
        onPointerCancel={() => (drag.current = undefined)}
        onDblClick={(e) => zoom(2, e.offsetX, e.offsetY)}
      />
      <div class="graph-tools">
        <button type="button" aria-label="Zoom in" onClick={() => zoom(1.3)}>+</button>
        <button type="button" aria-label="Zoom out" onClick={() => zoom(1 / 1.3)}>−</button>
        <button type="button" onClick={fitAll}>Fit</button>
      </div>
    </div>
  );
}
