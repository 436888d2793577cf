import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, nextPage, type RunRecord } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { ago, between, moment, number } from '../parts/format';
import { Problem } from '../parts/Problem';
import { Status } from '../parts/Status';
import { go, link } from '../router';

const pageSize = 50;
const shownMetrics = 5;

/** Runs, newest first or by a metric; of all pipelines or one. Chosen ones are compared. */
export function Runs({ query, pipeline }: { query: URLSearchParams; pipeline?: string }) {
  const of = pipeline ?? query.get('pipeline') ?? undefined;
  const [filter, order, page] = ['filter', 'order', 'page'].map((name) => query.get(name) ?? undefined);
  const runs = useLoaded(async () => {
    const request = api.GET('/api/v1/runs', { params: { query: { pipeline: of, filter, order, page, limit: pageSize } } });
    return { rows: await ask(request), next: nextPage((await request).response) };
  }, [of, filter, order, page], page ? 0 : 3000);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const typed = useRef<HTMLInputElement>(null);
  useEffect(() => void (typed.current && (typed.current.value = filter ?? '')), [filter]);

  const here = pipeline === undefined ? ['runs'] : ['pipelines', pipeline];
  const show = (changes: Record<string, string | undefined>) =>
    link(here, { ...(pipeline === undefined ? { pipeline: of } : {}), filter, order, ...changes });
  const rows = runs.data?.rows ?? [];
  const metrics = [...new Set(rows.flatMap((run) => Object.keys(run.metrics ?? {})))].sort().slice(0, shownMetrics);
  const partitioned = rows.some((run) => run.partition);
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };

  return (
    <>
      <form
        class="toolbar"
        onSubmit={(e) => {
          e.preventDefault();
          go(show({ filter: typed.current!.value.trim() }));
        }}
      >
        {pipeline === undefined && <PipelineSelect value={of} onChange={(name) => go(link(here, { pipeline: name, filter, order }))} />}
        <input ref={typed} type="search" aria-label="Filter" placeholder={'status = \'failed\' and params.epochs > 4 and metrics.train.auc > 0.7'} autocomplete="off" spellcheck={false} />
        <button type="submit">Filter</button>
        {(filter || order || page) && <a href={link(here, { pipeline: pipeline === undefined ? of : undefined })}>Clear</a>}
        <span class="grow" />
        <button type="button" class="primary" disabled={chosen.size < 2} onClick={() => go(link(['compare'], { runs: [...chosen].join(',') }))}>
          Compare{chosen.size > 0 ? ` ${chosen.size}` : ''}
        </button>
      </form>
      <Problem error={runs.error} />
      {runs.data && rows.length === 0 && (
        <p class="empty">{filter || of ? 'No run is like that.' : <>There are no runs so far. Start one with <code>mill run pipeline.cs</code>, or <code>mill demo</code>.</>}</p>
      )}
      {rows.length > 0 && (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th><span class="sr">Chosen</span></th>
                <th>Run</th>
                <th>Status</th>
                {pipeline === undefined && <th>Pipeline</th>}
                {partitioned && <th>Partition</th>}
                <th>Started by</th>
                <th>{order ? <a href={show({ order: undefined, page: undefined })}>Created</a> : 'Created ↓'}</th>
                <th>Took</th>
                <th>Parameters</th>
                {metrics.map((name) => <th key={name} class="num"><Ordered name={`metrics.${name}`} title={name} order={order} show={(next) => show({ order: next, page: undefined })} /></th>)}
              </tr>
            </thead>
            <tbody>
              {rows.map((run) => (
                <tr key={run.id} class={chosen.has(run.id) ? 'chosen' : undefined}>
                  <td><input type="checkbox" aria-label={`Choose ${run.id}`} checked={chosen.has(run.id)} onChange={(e) => toggle(run.id, e.currentTarget.checked)} /></td>
                  <td><a class="id" href={link(['runs', run.id])}>{run.id}</a></td>
                  <td><Status is={run.status} />{run.error && <code class="small">{run.error}</code>}</td>
                  {pipeline === undefined && <td><a href={link(['pipelines', run.pipeline])}>{run.pipeline}</a></td>}
                  {partitioned && <td>{run.partition}</td>}
                  <td>{run.trigger ? <a href={link(['triggers', run.trigger])}>{run.trigger}</a> : <span class="faint">hand</span>}</td>
                  <td title={moment(run.created)}>{ago(run.created)}</td>
                  <td>{between(run.started ?? run.created, run.ended)}</td>
                  <td class="params" title={text(run, '\n')}>{text(run, '  ')}</td>
                  {metrics.map((name) => <td key={name} class="num">{number(run.metrics?.[name])}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(page || runs.data?.next) && (
        <nav class="pages" aria-label="Pages">
          {page && <a href={show({})}>First</a>}
          {runs.data?.next && <a href={show({ page: runs.data.next })}>Next {pageSize}</a>}
        </nav>
      )}
    </>
  );
}

const text = (run: RunRecord, separator: string) => Object.entries(run.parameters ?? {}).map(([name, value]) => `${name}=${value}`).join(separator);

/** A column's title that orders by it: first the greatest, then the least, then not at all. */
function Ordered({ name, title, order, show }: { name: string; title: string; order?: string; show: (next?: string) => string }) {
  const now = order === `${name} desc` ? '↓' : order === name ? '↑' : '';
  return <a href={show(now === '' ? `${name} desc` : now === '↓' ? name : undefined)}>{title}{now && ` ${now}`}</a>;
}

function PipelineSelect({ value, onChange }: { value?: string; onChange: (name?: string) => void }) {
  const pipelines = useLoaded(() => ask(api.GET('/api/v1/pipelines')), []);
  return (
    <select aria-label="Pipeline" value={value ?? ''} onChange={(e) => onChange(e.currentTarget.value || undefined)}>
      <option value="">all pipelines</option>
      {value && !pipelines.data?.some((p) => p.name === value) && <option>{value}</option>}
      {pipelines.data?.map((p) => <option key={p.name}>{p.name}</option>)}
    </select>
  );
}
