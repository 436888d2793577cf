import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number } from './format';

export interface Line {
  label: string;
  steps: readonly number[];
  values: readonly number[];
}

const palette = ['#2f6fde', '#d9480f', '#2b8a3e', '#9c36b5', '#0b7285', '#e67700', '#c2255c', '#5c940d', '#364fc7', '#862e9c'];

/** Series over their steps; one of a single point is a dot. Drag to zoom in, double-click to zoom out. */
export function Chart({ lines, label }: { lines: readonly Line[]; label: string }) {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = host.current!;
    const style = getComputedStyle(element);
    const [text, grid] = [style.getPropertyValue('--faint').trim(), style.getPropertyValue('--line').trim()];
    // Steps of all series in one axis: a series is null where it has no point.
    const steps = [...new Set(lines.flatMap((line) => line.steps))].sort((a, b) => a - b);
    const values = lines.map((line) => {
      const at = new Map(line.steps.map((step, i) => [step, line.values[i]!]));
      return steps.map((step) => at.get(step) ?? null);
    });
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const plot = new uPlot(
      {
        width: Math.max(240, element.clientWidth), height: 220,
        scales: { x: { time: false } },
        axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => number(tick)) }],
        series: [
          { label: 'step' },
          ...lines.map((line, i) => ({
            label: line.label, stroke: palette[i % palette.length]!, width: 1.6, spanGaps: true,
            points: { show: line.steps.length < 40 }, value: (_: uPlot, value: number | null) => (value === null ? '–' : number(value)),
          })),
        ],
        legend: { show: true, live: true },
        cursor: { drag: { x: true, y: false } },
      },
      [steps, ...values] as uPlot.AlignedData,
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: Math.max(240, element.clientWidth), height: 220 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [lines]);
  return <div ref={host} class="chart" role="img" aria-label={label} />;
}
