import { useMemo, useState } from 'preact/hooks';
import { api, ask } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { Problem } from '../parts/Problem';
import { link } from '../router';
import { MetricChart } from './run/Metrics';

/** Runs side by side: what differs between them first, and the history of a metric of all of them in one chart. */
export function Compare({ query }: { query: URLSearchParams }) {
  const runs = useMemo(() => (query.get('runs') ?? '').split(',').filter(Boolean), [query.get('runs')]);
  const [all, setAll] = useState(false);
  const [metric, setMetric] = useState('');
  const compared = useLoaded(() => ask(api.GET('/api/v1/runs/compare', { params: { query: { run: runs } } })), [runs.join()]);
  const rows = (compared.data?.rows ?? []).filter((row) => all || row.differs);
  const names = useLoaded(async () => {
    const latest = await Promise.all(runs.map((id) => ask(api.GET('/api/v1/runs/{id}/metrics', { params: { path: { id } } }))));
    return [...new Set(latest.flat().filter((m) => Number(m.points) > 1).map((m) => m.name))].sort();
  }, [runs.join()]);
  return (
    <>
      <header class="page-head">
        <h1>Compare {runs.length} runs</h1>
        <label class="check"><input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /> also what is the same</label>
      </header>
      <Problem error={compared.error} />
      {compared.data && (
        <div class="scroll">
          <table class="list compare">
            <thead><tr><th colSpan={2}><span class="sr">What</span></th>{compared.data.runs.map((id) => <th key={id}><a class="id" href={link(['runs', id])}>{id}</a></th>)}</tr></thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.group}/${row.name}`} class={row.differs ? 'differs' : undefined}>
                  <td class="faint">{row.group}</td><th scope="row">{row.name}</th>
                  {row.values.map((value, i) => <td key={i} title={value ?? undefined}>{value ?? '–'}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {compared.data && rows.length === 0 && <p class="empty">They do not differ.</p>}
      {!!names.data?.length && (
        <>
          <label>Chart of <select value={metric} onChange={(e) => setMetric(e.currentTarget.value)}><option value="">…</option>{names.data.map((n) => <option key={n}>{n}</option>)}</select></label>
          {metric && <MetricChart runs={runs} name={metric} />}
        </>
      )}
    </>
  );
}
