import { api, ask, type Schemas } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { ago, bytes, moment, number } from '../parts/format';
import { Problem } from '../parts/Problem';
import { textOf } from '../parts/RunForm';
import { Status } from '../parts/Status';
import { link } from '../router';

const pageSize = 100;

/** What lies in the silo's object store, the largest first. */
export function Objects({ query }: { query: URLSearchParams }) {
  const after = query.get('after') ?? undefined;
  const objects = useLoaded(() => ask(api.GET('/api/v1/objects', { params: { query: { limit: pageSize, after } } })), [after], 5000);
  const page = objects.data;
  return (
    <>
      <header class="page-head"><h1>Objects</h1></header>
      {page && (
        <p class="facts">
          <span>{number(page.count)} on {page.host}</span>
          <span>{bytes(Number(page.bytes) - Number(page.spilledBytes ?? 0))} of {bytes(Number(page.capacity))}</span>
          {Number(page.spilledBytes ?? 0) > 0 && <span>{bytes(Number(page.spilledBytes))} on disk</span>}
          <progress aria-label="Used" value={Number(page.bytes) - Number(page.spilledBytes ?? 0)} max={Math.max(1, Number(page.capacity))} />
        </p>
      )}
      <Problem error={objects.error} />
      {page && page.objects.length === 0 && <p class="empty">It is empty.</p>}
      {!!page?.objects.length && (
        <table class="list">
          <thead><tr><th>Object</th><th>Owner</th><th class="num">Rows</th><th class="num">Size</th><th>Made</th><th>State</th><th class="num">Mapped by</th></tr></thead>
          <tbody>
            {page.objects.map((o) => {
              const run = o.owner?.split('/')[0];
              return (
                <tr key={o.id}>
                  <td><a class="id" href={link(['objects', o.id])}>{o.id}</a>{o.pinned && ' pinned'}{o.spilled && ' on disk'}</td>
                  <td>{run && <a class="id" href={link(['runs', run], { stage: o.owner!.split('/').slice(1).join('/') })}>{o.owner}</a>}</td>
                  <td class="num">{o.rows == null ? '–' : number(o.rows)}</td><td class="num">{bytes(Number(o.bytes))}</td>
                  <td title={moment(o.created)}>{ago(o.created)}</td><td><Status is={o.state} /></td><td class="num">{o.processes?.length ?? 0}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {(after || page?.next) && (
        <nav class="pages" aria-label="Pages">
          {after && <a href={link(['objects'])}>First</a>}
          {page?.next && <a href={link(['objects'], { after: page.next })}>Next {pageSize}</a>}
        </nav>
      )}
    </>
  );
}

/** An object: its columns and its first rows. */
export function StoredObject({ id }: { id: string }) {
  const object = useLoaded(() => ask(api.GET('/api/v1/objects/{id}', { params: { path: { id } } })), [id]);
  const preview = useLoaded(() => ask(api.GET('/api/v1/objects/{id}/preview', { params: { path: { id } } })), [id]);
  const o = object.data;
  if (!o) return object.error ? <Problem error={object.error} /> : <p class="faint">Loading…</p>;
  const rows = (preview.data as { rows?: readonly unknown[][] } | undefined)?.rows ?? [];
  return (
    <>
      <header class="page-head"><h1><span class="id">{id}</span> <Status is={o.state} /></h1></header>
      <p class="facts">
        {o.rows != null && <span>{number(o.rows)} rows</span>}
        <span>{bytes(Number(o.bytes))}{o.spilled && ' on disk'}</span>
        <span title={moment(o.created)}>made {ago(o.created)}</span>
        {o.owner && (
          <span>by {o.owner.includes('/')
            ? <a class="id" href={link(['runs', o.owner.split('/')[0]!], { stage: o.owner.split('/').slice(1).join('/') })}>{o.owner}</a>
            : <span class="id">{o.owner}</span>}
          </span>
        )}
        <span>mapped by {o.processes?.length ?? 0} processes</span>
      </p>
      <Problem error={preview.error} />
      {o.columns?.some((c) => c.statistics) && <Statistics columns={o.columns} />}
      <div class="scroll">
        <table class="list">
          <thead><tr>{o.columns?.map((c) => <th key={c.name}>{c.name}<br /><i>{c.type}</i></th>)}</tr></thead>
          <tbody>{rows.map((row, i) => <tr key={i}>{(Array.isArray(row) ? row : Object.values(row as object)).map((value, c) => <td key={c}>{textOf(value)}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </>
  );
}

/** What was found in each column when the table came in. */
function Statistics({ columns }: { columns: readonly Schemas['ObjectColumn'][] }) {
  return (
    <div class="scroll">
      <table class="list">
        <thead><tr><th>Column</th><th>Type</th><th>Nulls</th><th>Different</th><th>Min</th><th>Median</th><th>Max</th><th>Mean</th><th>Most frequent</th></tr></thead>
        <tbody>
          {columns.map((c) => (
            <tr key={c.name}>
              <td>{c.name}</td>
              <td><i>{c.type}</i></td>
              <td>{c.nulls != null && number(c.nulls)}</td>
              <td>{c.statistics?.distinct != null && number(c.statistics.distinct)}</td>
              <td>{c.statistics?.min}</td>
              <td>{c.statistics?.quantiles && number(c.statistics.quantiles[3])}</td>
              <td>{c.statistics?.max}</td>
              <td>{c.statistics?.mean != null && number(c.statistics.mean)}</td>
              <td>{c.statistics?.top?.filter((v) => Number(v.count) > 1).slice(0, 3).map((v) => `${v.value} (${number(v.count)})`).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
