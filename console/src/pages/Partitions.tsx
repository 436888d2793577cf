import { useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { ago, moment } from '../parts/format';
import { Problem } from '../parts/Problem';
import { Status } from '../parts/Status';
import { go, link } from '../router';

const pageSize = 500;

/** What is there, missing, failed or stale, as a table or, of two dimensions, a grid; and the backfills that make it. */
export function Partitions({ pipeline, query }: { pipeline: string; query: URLSearchParams }) {
  const [range, status, after] = ['range', 'status', 'after'].map((name) => query.get(name) ?? undefined);
  const show = (changes: Record<string, string | undefined>) => go(link(['pipelines', pipeline], { tab: 'partitions', range, status, ...changes }));
  const partitions = useLoaded(
    () => ask(api.GET('/api/v1/pipelines/{name}/partitions', { params: { path: { name: pipeline }, query: { range, status: status as Schemas['PartitionStatus'] | undefined, after, limit: pageSize } } })),
    [pipeline, range, status, after], 3000);
  const backfills = useLoaded(() => ask(api.GET('/api/v1/pipelines/{name}/backfills', { params: { path: { name: pipeline } } })), [pipeline], 3000);
  const typed = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<unknown>();
  const page = partitions.data;
  const items = page?.items ?? [];
  const counts = (page?.counts ?? {}) as Record<string, number>;

  const backfill = async (form: FormData) => {
    setError(undefined);
    try {
      await ask(api.POST('/api/v1/pipelines/{name}/backfills', {
        params: { path: { name: pipeline } },
        body: {
          partitions: String(form.get('partitions') || '*'),
          select: String(form.get('select')) as Schemas['BackfillSelection'],
          parallel: Number(form.get('parallel')),
        },
      }));
      backfills.reload();
      partitions.reload();
    } catch (problem) {
      setError(problem);
    }
  };

  return (
    <>
      <form class="toolbar" onSubmit={(e) => { e.preventDefault(); show({ range: typed.current!.value.trim() }); }}>
        <input ref={typed} aria-label="Range" placeholder="2001-01..2001-06" defaultValue={range ?? ''} autocomplete="off" />
        <select aria-label="Status" value={status ?? ''} onChange={(e) => show({ status: e.currentTarget.value })}>
          <option value="">any status</option>
          {['missing', 'running', 'ready', 'stale', 'failed'].map((s) => <option key={s}>{s}</option>)}
        </select>
        <button type="submit">Show</button>
        <span class="faint">{Object.entries(counts).filter(([, n]) => n).map(([s, n]) => `${n.toLocaleString('en-US')} ${s}`).join(' · ')}</span>
      </form>
      <form class="toolbar" onSubmit={(e) => { e.preventDefault(); void backfill(new FormData(e.currentTarget)); }}>
        <label>Make <select name="select" aria-label="Which">{['missing', 'failed', 'stale', 'needed', 'all'].map((s) => <option key={s}>{s}</option>)}</select></label>
        <label>of <input name="partitions" placeholder="*" autocomplete="off" /></label>
        <label><input name="parallel" type="number" min={1} max={1000} defaultValue="2" required /> at once</label>
        <button type="submit" class="primary">Backfill</button>
      </form>
      <Problem error={error ?? partitions.error ?? backfills.error} />
      {page?.spec?.dimensions?.length === 2 ? <Grid items={items} /> : <Table items={items} />}
      {(after || page?.next) && (
        <nav class="pages" aria-label="Pages">
          {after && <a href={link(['pipelines', pipeline], { tab: 'partitions', range, status })}>First</a>}
          {page?.next && <a href={link(['pipelines', pipeline], { tab: 'partitions', range, status, after: page.next })}>Next {pageSize}</a>}
        </nav>
      )}
      {!!backfills.data?.length && (
        <table class="list">
          <caption>Backfills</caption>
          <thead><tr><th>Backfill</th><th>Status</th><th>Range</th><th>Made</th><th class="num">Succeeded</th><th class="num">Failed</th><th class="num">Of</th><th>Started</th><th><span class="sr">Cancel</span></th></tr></thead>
          <tbody>
            {backfills.data.map((b) => (
              <tr key={b.id}>
                <td class="id">{b.id}</td><td><Status is={b.status} /></td><td>{b.request.partitions}</td><td>{b.request.select}</td>
                <td class="num">{b.succeeded}</td><td class="num" title={Object.entries(b.failures ?? {}).map(([key, why]) => `${key}: ${why}`).join('\n')}>{b.failed}</td><td class="num">{b.total}</td>
                <td title={moment(b.created)}>{ago(b.created)}</td>
                <td>{b.ended ? '' : <button type="button" onClick={() => ask(api.POST('/api/v1/backfills/{id}/cancel', { params: { path: { id: b.id } } })).then(backfills.reload, setError)}>Cancel</button>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Table({ items }: { items: readonly Schemas['PartitionView'][] }) {
  return items.length === 0 ? null : (
    <table class="list">
      <thead><tr><th>Partition</th><th>Status</th><th>Run</th><th>Made</th><th>Why</th></tr></thead>
      <tbody>
        {items.map((p) => (
          <tr key={p.key}>
            <td>{p.key}</td><td><Status is={p.status} /></td>
            <td>{p.run && <a class="id" href={link(['runs', p.run])}>{p.run}</a>}</td>
            <td title={moment(p.made)}>{p.made ? ago(p.made) : ''}</td><td>{p.reason}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A row a key of the first dimension, a column a key of the second. */
function Grid({ items }: { items: readonly Schemas['PartitionView'][] }) {
  const cells = new Map(items.map((p) => [p.key, p]));
  const parts = items.map((p) => p.key.split('/'));
  const [rows, columns] = [0, 1].map((i) => [...new Set(parts.map((key) => key[i]!))]);
  return (
    <div class="scroll">
      <table class="grid">
        <thead><tr><th><span class="sr">Key</span></th>{columns!.map((c) => <th key={c}>{c}</th>)}</tr></thead>
        <tbody>
          {rows!.map((r) => (
            <tr key={r}>
              <th scope="row">{r}</th>
              {columns!.map((c) => {
                const p = cells.get(`${r}/${c}`);
                return (
                  <td key={c} title={p && [p.status, p.reason, moment(p.made)].filter(Boolean).join(' – ')}>
                    {p && (p.run ? <a href={link(['runs', p.run])} aria-label={`${p.key}: ${p.status}`}><Status is={p.status} /></a> : <Status is={p.status} />)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
