import { useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { ago, moment } from '../parts/format';
import { Problem } from '../parts/Problem';
import { Status } from '../parts/Status';
import { go, link } from '../router';

type TriggerView = Schemas['TriggerView'];
const pageSize = 100;

export function Triggers({ query }: { query: URLSearchParams }) {
  const after = query.get('after') ?? undefined;
  const triggers = useLoaded(() => ask(api.GET('/api/v1/triggers', { params: { query: { limit: pageSize, after } } })), [after], 5000);
  return (
    <>
      <header class="page-head"><h1>Triggers</h1></header>
      <Problem error={triggers.error} />
      {triggers.data?.length === 0 && <p class="empty">There are none{after ? ' after that' : ' so far'}. <code>mill trigger add</code> makes one, or a pipeline declares it.</p>}
      {!!triggers.data?.length && <TriggerTable triggers={triggers.data} onChanged={triggers.reload} />}
      {(after || triggers.data?.length === pageSize) && (
        <nav class="pages" aria-label="Pages">
          {after && <a href={link(['triggers'])}>First</a>}
          {triggers.data?.length === pageSize && <a href={link(['triggers'], { after: triggers.data.at(-1)!.spec.name })}>Next {pageSize}</a>}
        </nav>
      )}
    </>
  );
}

export function TriggerTable({ triggers, onChanged }: { triggers: readonly TriggerView[]; onChanged: () => void }) {
  const [error, setError] = useState<unknown>();
  return (
    <>
      <Problem error={error} />
      <table class="list">
        <thead><tr><th>Trigger</th><th>Pipeline</th><th>When</th><th>Next</th><th>Newest firing</th><th class="num">Fired</th><th><span class="sr">Actions</span></th></tr></thead>
        <tbody>
          {triggers.map((t) => (
            <tr key={t.spec.name}>
              <td><a href={link(['triggers', t.spec.name])}>{t.spec.name}</a></td>
              <td><a href={link(['pipelines', t.spec.pipeline])}>{t.spec.pipeline}</a></td>
              <td>{whenOf(t.spec)}</td>
              <td title={moment(t.next)}>{t.paused ? <Status is="paused" /> : t.next ? ago(t.next) : ''}{t.problem && <code class="small" title={t.problem.message}>{t.problem.code}</code>}</td>
              <td>{t.last && <Firing firing={t.last} />}</td>
              <td class="num">{t.firings}</td>
              <td><Actions trigger={t} onDone={onChanged} onError={setError} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function Trigger({ name, query }: { name: string; query: URLSearchParams }) {
  const before = query.get('before') ? Number(query.get('before')) : undefined;
  const trigger = useLoaded(() => ask(api.GET('/api/v1/triggers/{name}', { params: { path: { name } } })), [name], 3000);
  const firings = useLoaded(() => ask(api.GET('/api/v1/triggers/{name}/firings', { params: { path: { name }, query: { limit: pageSize, before } } })), [name, before], before ? 0 : 3000);
  const [error, setError] = useState<unknown>();
  const t = trigger.data;
  if (!t) return trigger.error ? <Problem error={trigger.error} /> : <p class="faint">Loading…</p>;
  return (
    <>
      <header class="page-head">
        <h1>{name} {t.paused && <Status is="paused" />}</h1>
        <Actions trigger={t} onDone={() => { trigger.reload(); firings.reload(); }} onError={setError} />
      </header>
      <p class="facts">
        <span>starts <a href={link(['pipelines', t.spec.pipeline])}>{t.spec.pipeline}</a></span>
        <span>{whenOf(t.spec)}</span>
        {t.next && <span title={moment(t.next)}>next {ago(t.next)}</span>}
        {t.spec.concurrency && <span>while one runs: {t.spec.concurrency}</span>}
        {!!t.queued && <span>{t.queued} queued</span>}
        {t.declared && <span>declared by the pipeline</span>}
      </p>
      {t.spec.description && <p>{t.spec.description}</p>}
      <Problem error={error ?? t.problem ?? firings.error} />
      <table class="list">
        <caption>Firings</caption>
        <thead><tr><th class="num">No.</th><th>Scheduled</th><th>Fired</th><th>Outcome</th><th>Run</th><th>Why</th></tr></thead>
        <tbody>
          {firings.data?.map((f) => (
            <tr key={f.number}>
              <td class="num">{f.number}</td><td>{moment(f.scheduled)}</td><td>{moment(f.fired)}</td><td><Status is={f.outcome} /></td>
              <td>{f.run && <a class="id" href={link(['runs', f.run])}>{f.run}</a>}</td><td>{f.reason ?? f.error?.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {firings.data?.length === pageSize && (
        <nav class="pages" aria-label="Pages"><a href={link(['triggers', name], { before: String(firings.data.at(-1)!.number) })}>Older</a></nav>
      )}
    </>
  );
}

function Firing({ firing }: { firing: Schemas['TriggerFiring'] }) {
  const inside = <><Status is={firing.outcome} /> {ago(firing.fired)}</>;
  return firing.run ? <a href={link(['runs', firing.run])}>{inside}</a> : <span title={firing.reason ?? firing.error?.message ?? undefined}>{inside}</span>;
}

function Actions({ trigger, onDone, onError }: { trigger: TriggerView; onDone: () => void; onError: (error: unknown) => void }) {
  const path = { params: { path: { name: trigger.spec.name } } };
  const act = (what: Promise<unknown>) => what.then(() => { onError(undefined); onDone(); }, onError);
  return (
    <div class="controls">
      {trigger.paused
        ? <button type="button" onClick={() => act(ask(api.POST('/api/v1/triggers/{name}/resume', path)))}>Resume</button>
        : <button type="button" onClick={() => act(ask(api.POST('/api/v1/triggers/{name}/pause', path)))}>Pause</button>}
      <button
        type="button"
        onClick={() => act(ask(api.POST('/api/v1/triggers/{name}/fire', { ...path, body: {} })).then((firing) => {
          if (firing?.run) go(link(['runs', firing.run]));
        }))}
      >
        Fire
      </button>
    </div>
  );
}

/** What a trigger waits for, in a line. */
function whenOf(spec: Schemas['TriggerSpec']): string {
  return (spec.markStale ? `marks ${spec.partition} stale: ` : '') + sourceOf(spec);
}

function sourceOf(spec: Schemas['TriggerSpec']): string {
  const of = (value: unknown, ...names: string[]) => names.map((name) => (value as Record<string, unknown>)[name]).filter((v) => v !== undefined && v !== null && v !== '').join(' ');
  if (spec.cron) return `cron ${of(spec.cron, 'expression', 'timeZone')}`;
  if (spec.interval) return `every ${of(spec.interval, 'every')}`;
  if (spec.file) return `files ${of(spec.file, 'folder', 'path', 'pattern')}`;
  if (spec.object) return `objects ${of(spec.object, 'url', 'container', 'prefix', 'pattern')}`;
  if (spec.webhook) return 'webhook';
  if (spec.after) return `after ${of(spec.after, 'pipeline', 'on')}`;
  if (spec.metric) return `metric ${of(spec.metric, 'pipeline', 'metric', 'condition', 'operator', 'threshold', 'value')}`;
  if (spec.stream) return `stream ${of(spec.stream, 'provider', 'namespace', 'key')}`;
  return '';
}
