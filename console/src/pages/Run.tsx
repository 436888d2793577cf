import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import { api, ask, type RunView, type StageStatus, type StageView } from '../api/client';
import { RunStore } from '../api/runStore';
import { useLoaded } from '../api/useLoaded';
import { Graph } from '../graph/Graph';
import { between, duration, moment } from '../parts/format';
import { Problem } from '../parts/Problem';
import { RunForm } from '../parts/RunForm';
import { Counts, Status, statusOf } from '../parts/Status';
import { VirtualTable, type Column } from '../parts/VirtualTable';
import { go, link } from '../router';
import { Files } from './run/Files';
import { Metrics } from './run/Metrics';
import { Origin } from './run/Origin';
import { Stage } from './run/Stage';

const tabs = ['graph', 'stages', 'metrics', 'files', 'origin'] as const;
type Tab = (typeof tabs)[number];

/** A run: followed while it goes on, with its graph, stages, metrics, files and what it was made of. */
export function Run({ id, query }: { id: string; query: URLSearchParams }) {
  const [, heard] = useReducer((n: number) => n + 1, 0);
  const store = useMemo(() => new RunStore(id), [id]);
  // EventSource tells of no status: whether there is such a run is asked.
  const known = useLoaded(() => ask(api.GET('/api/v1/runs/{id}', { params: { path: { id } } })), [id]);
  useEffect(() => {
    const stop = store.listen(() => heard(0));
    store.follow();
    // Time passes also where nothing happens.
    const clock = setInterval(() => store.over || heard(0), 1000);
    return () => {
      stop();
      clearInterval(clock);
      store.close();
    };
  }, [store]);

  const run = store.run ?? known.data;
  useEffect(() => void (document.title = run ? `${run.pipeline} ${run.status} – Gristmill` : 'Gristmill'), [run?.pipeline, run?.status]);
  if (!run) {
    return known.error ? <Problem error={known.error} /> : <p class="faint">Loading…</p>;
  }

  const wanted = query.get('tab') as Tab | null;
  const tab = wanted && tabs.includes(wanted) ? wanted : 'graph';
  const selected = query.get('stage') ?? undefined;
  const show = (changes: { tab?: Tab; stage?: string }, replace = false) => go(link(['runs', id], { tab, stage: selected, ...changes }), replace);
  const stage = selected === undefined ? undefined : store.stage(selected);

  return (
    <>
      <header class="page-head">
        <h1><a href={link(['pipelines', run.pipeline])}>{run.pipeline}</a> <span class="id">{id}</span> <Status is={run.status} paused={run.paused} /></h1>
        <Controls store={store} onDone={() => { store.follow(); heard(0); }} />
      </header>
      <p class="facts">
        <span title={moment(run.created)}>{moment(run.started ?? run.created)}</span>
        <span>took {between(run.started ?? run.created, run.ended)}</span>
        {run.partition && <span>partition {run.partition}</span>}
        {run.trigger && <span>by <a href={link(['triggers', run.trigger])}>{run.trigger}</a></span>}
        {run.rerunOf && <span>again of <a class="id" href={link(['runs', run.rerunOf])}>{run.rerunOf}</a></span>}
        {!!run.cacheHits && <span>{run.cacheHits} taken over from earlier runs</span>}
        {!!run.retries && <span>retried {run.retries} ×</span>}
        {store.lost && <strong class="warn">The silo is not reached; asking again…</strong>}
      </p>
      <Counts counts={store.counts} />
      <Problem error={run.error} />
      <div class="tabs" role="tablist">
        {tabs.map((name) => (
          <button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={name === tab} aria-controls="panel" onClick={() => show({ tab: name })}>{name}</button>
        ))}
      </div>
      <div class={stage ? 'split with-side' : 'split'}>
        <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
          {tab === 'graph' && <RunGraph store={store} selected={selected} onSelect={(name) => show({ stage: name }, true)} />}
          {tab === 'stages' && <Stages run={run} store={store} selected={selected} onSelect={(name) => show({ stage: name }, true)} />}
          {tab === 'metrics' && <Metrics run={id} live={!store.over} />}
          {tab === 'files' && <Files run={id} live={!store.over} />}
          {tab === 'origin' && <Origin run={run} />}
        </div>
        {stage && <Stage key={stage.name} run={id} stage={stage} onClose={() => show({ stage: undefined }, true)} />}
      </div>
    </>
  );
}

const detailOf = (stage: StageView) =>
  stage.cachedFrom ? 'taken over'
  : stage.status === 'running' ? (stage.progress?.message || between(stage.started, undefined))
  : stage.started && stage.ended ? between(stage.started, stage.ended)
  : stage.status === 'pending' ? '' : stage.status;

function RunGraph({ store, selected, onSelect }: { store: RunStore; selected?: string; onSelect: (name?: string) => void }) {
  const shown = (i: number) => {
    const stage = store.stages[i]!;
    return {
      name: stage.name, detail: detailOf(stage), status: statusOf(stage),
      fraction: stage.status === 'running' ? Number(stage.progress?.fraction ?? 0) : undefined,
    };
  };
  return (
    <Graph
      nodes={store.stages} structure={store.structure} version={store.version} shown={shown} selected={selected} onSelect={onSelect}
      label={`The run's ${store.stages.length} stages and what each waits for; the tab 'stages' lists them.`}
    />
  );
}

function Stages({ run, store, selected, onSelect }: { run: RunView; store: RunStore; selected?: string; onSelect: (name: string) => void }) {
  const [search, setSearch] = useState('');
  const [status, setStatus] = useState<StageStatus | ''>('');
  const needle = search.toLowerCase();
  const rows = store.stages.filter((s) => (status === '' || s.status === status) && (needle === '' || s.name.toLowerCase().includes(needle) || s.operation.toLowerCase().includes(needle)));
  const begin = Date.parse(run.started ?? run.created);
  const end = run.ended ? Date.parse(run.ended) : Date.now();
  const columns: Column<StageView>[] = [
    { title: 'Stage', width: 'minmax(160px, 2fr)', cell: (s) => s.name },
    { title: 'Operation', width: 'minmax(100px, 1fr)', cell: (s) => <span class="faint">{s.operation}</span> },
    { title: 'Status', width: '110px', cell: (s) => <Status is={statusOf(s)} /> },
    { title: 'Attempts', width: '76px', cell: (s) => s.attempts || '' },
    { title: 'Took', width: '92px', cell: (s) => (s.started ? between(s.started, s.ended ?? (store.over ? s.started : undefined)) : '') },
    { title: 'When', width: 'minmax(120px, 2fr)', cell: (s) => <When stage={s} begin={begin} end={end} /> },
  ];
  return (
    <div class="stages">
      <div class="toolbar">
        <input type="search" aria-label="Search stages" placeholder="name or operation" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
        <select aria-label="Status" value={status} onChange={(e) => setStatus(e.currentTarget.value as StageStatus | '')}>
          <option value="">any status</option>
          {['pending', 'running', 'succeeded', 'failed', 'skipped', 'cancelled'].map((s) => <option key={s}>{s}</option>)}
        </select>
        <span class="faint">{rows.length.toLocaleString('en-US')} of {store.stages.length.toLocaleString('en-US')}, {duration(end - begin)} from left to right</span>
      </div>
      <VirtualTable rows={rows} columns={columns} keyOf={(s) => s.name} selected={selected} onSelect={onSelect} label="Stages" />
    </div>
  );
}

function When({ stage, begin, end }: { stage: StageView; begin: number; end: number }) {
  if (!stage.started) return null;
  const span = Math.max(1, end - begin);
  const from = Math.max(0, (Date.parse(stage.started) - begin) / span);
  const to = Math.min(1, ((stage.ended ? Date.parse(stage.ended) : end) - begin) / span);
  return <i class={`when fill-${statusOf(stage)}`} style={{ marginLeft: `${from * 100}%`, width: `max(2px, ${Math.max(0, to - from) * 100}%)` }} />;
}

function Controls({ store, onDone }: { store: RunStore; onDone: () => void }) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [again, setAgain] = useState<Awaited<ReturnType<typeof specOf>>>();
  const run = store.run;
  if (!run) return null;
  const act = async (what: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await what();
      onDone();
    } catch (problem) {
      setError(problem);
    }

    setBusy(false);
  };
  const path = { params: { path: { id: run.id } } };
  return (
    <div class="controls">
      {!store.over && !run.paused && <button type="button" disabled={busy} onClick={() => act(() => ask(api.POST('/api/v1/runs/{id}/pause', path)))}>Pause</button>}
      {!store.over && run.paused && <button type="button" disabled={busy} onClick={() => act(() => ask(api.POST('/api/v1/runs/{id}/resume', path)))}>Resume</button>}
      {!store.over && <button type="button" class="danger" disabled={busy} onClick={() => act(() => ask(api.POST('/api/v1/runs/{id}/cancel', path)))}>Cancel</button>}
      {(run.status === 'failed' || run.status === 'cancelled') && (
        <button type="button" disabled={busy} title="What it has committed stays; the other stages start anew." onClick={() => act(() => ask(api.POST('/api/v1/runs/{id}/retry', path)))}>Retry from failed</button>
      )}
      <button type="button" disabled={busy} onClick={() => act(async () => setAgain(await specOf(run.pipeline)))}>Run again…</button>
      <Problem error={error} />
      {again && (
        <RunForm
          pipeline={run.pipeline} rerunOf={run.id} parameters={again.own} values={run.parameters ?? {}} partitioned={again.partitioned}
          partition={run.partition ?? undefined} onClose={() => setAgain(undefined)}
        />
      )}
    </div>
  );
}

/** A pipeline's parameters but for those that its partition gives. */
export async function specOf(pipeline: string) {
  const { spec } = await ask(api.GET('/api/v1/pipelines/{name}', { params: { path: { name: pipeline } } }));
  const given = new Set((spec?.partitions?.dimensions ?? []).flatMap((d) => [d.name, `${d.name}-start`, `${d.name}-end`]));
  return { spec, own: (spec?.parameters ?? []).filter((p) => !given.has(p.name)), partitioned: !!spec?.partitions };
}
