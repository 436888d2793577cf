import { useMemo } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { useLoaded } from '../../api/useLoaded';
import { Chart, type Line } from '../../parts/Chart';
import { number } from '../../parts/format';
import { Problem } from '../../parts/Problem';

const points = 2000;

/** What a run's stages logged: newest values, and a chart of each metric that has a history. */
export function Metrics({ run, live }: { run: string; live: boolean }) {
  const every = live ? 2000 : 0;
  const latest = useLoaded(() => ask(api.GET('/api/v1/runs/{id}/metrics', { params: { path: { id: run } } })), [run, live], every);
  if (!latest.data) return <Problem error={latest.error} />;
  if (latest.data.length === 0) return <p class="empty">Its stages logged no metrics. <code>Track.Metric("loss", value, step)</code> does.</p>;
  const drawn = [...new Set(latest.data.filter((m) => Number(m.points) > 1).map((m) => m.name))];
  return (
    <div class="metrics">
      {drawn.length > 0 && <div class="charts">{drawn.map((name) => <MetricChart key={name} runs={[run]} name={name} every={every} />)}</div>}
      <table class="list">
        <thead><tr><th>Metric</th><th>Stage</th><th class="num">Newest</th><th class="num">Step</th><th class="num">Points</th></tr></thead>
        <tbody>
          {latest.data.map((m) => (
            <tr key={`${m.stage}/${m.name}`}>
              <td>{m.name}</td><td>{m.stage}</td><td class="num">{number(m.value)}</td>
              <td class="num">{m.points ? number(m.step) : ''}</td><td class="num">{m.points ? number(m.points) : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The history of one metric, of one run or several, a line for each stage that logged it. */
export function MetricChart({ runs, name, every = 0 }: { runs: readonly string[]; name: string; every?: number }) {
  const loaded = useLoaded(
    () => Promise.all(runs.map((id) => ask(api.GET('/api/v1/runs/{id}/metrics/{key}', { params: { path: { id, key: name }, query: { points } } })))),
    [runs.join(), name], every);
  const lines = useMemo<Line[]>(
    () => (loaded.data ?? []).flatMap((series, i) =>
      (series ?? []).map((one) => ({
        label: runs.length > 1 ? `${runs[i]!.slice(-6)} ${one.stage}` : one.stage,
        steps: one.steps.map(Number), values: one.values.map(Number),
      }))),
    [loaded.data]);
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <Problem error={loaded.error} />
      {lines.length > 0 && <Chart lines={lines} label={`${name} by step`} />}
    </figure>
  );
}
