import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Column<T> {
  title: string;
  width: string;
  cell: (row: T) => ComponentChildren;
}

interface Props<T> {
  rows: readonly T[];
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  selected?: string;
  onSelect: (key: string) => void;
  label: string;
}

const rowHeight = 30;
const beyond = 10;

/** A table of any length: only the rows that are seen are made. Arrow keys move the choice. */
export function VirtualTable<T>({ rows, columns, keyOf, selected, onSelect, label }: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  const look = () => setSeen({ top: scroller.current!.scrollTop, height: scroller.current!.clientHeight });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(seen.top / rowHeight) - beyond);
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / rowHeight) + beyond);
  const columnsAre = columns.map((c) => c.width).join(' ');
  const choose = (step: number) => {
    const now = rows.findIndex((row) => keyOf(row) === selected);
    const next = Math.min(rows.length - 1, Math.max(0, now + step));
    if (rows[next] === undefined) return;
    onSelect(keyOf(rows[next]));
    const top = next * rowHeight;
    const element = scroller.current!;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + 2 * rowHeight > element.scrollTop + element.clientHeight) element.scrollTop = top + 2 * rowHeight - element.clientHeight;
  };

  return (
    <div
      ref={scroller} class="virtual" role="table" aria-label={label} aria-rowcount={rows.length + 1} tabIndex={0} onScroll={look}
      onKeyDown={(e) => {
        const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[e.key];
        if (step) {
          e.preventDefault();
          choose(step);
        }
      }}
    >
      <div class="virtual-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: columnsAre }}>
        {columns.map((c) => <span key={c.title} role="columnheader">{c.title}</span>)}
      </div>
      <div role="rowgroup" style={{ height: `${rows.length * rowHeight}px`, position: 'relative' }}>
        {rows.slice(first, last).map((row, i) => {
          const key = keyOf(row);
          return (
            <div
              key={key} role="row" aria-rowindex={first + i + 2} aria-selected={key === selected} class={key === selected ? 'virtual-row chosen' : 'virtual-row'}
              style={{ gridTemplateColumns: columnsAre, top: `${(first + i) * rowHeight}px` }} onClick={() => onSelect(key)}
            >
              {columns.map((c) => <span key={c.title} role="cell">{c.cell(row)}</span>)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
