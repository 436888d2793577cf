import { useMemo, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { Graph } from '../graph/Graph';
import type { GraphNode } from '../graph/layout';
import { ago, moment } from '../parts/format';
import { Problem } from '../parts/Problem';
import { RunForm, textOf } from '../parts/RunForm';
import { go, link } from '../router';
import { Partitions } from './Partitions';
import { specOf } from './Run';
import { Runs } from './Runs';
import { TriggerTable } from './Triggers';

/** A pipeline: its runs, its partitions, its stages as they are declared, its parameters and triggers. */
export function Pipeline({ name, query }: { name: string; query: URLSearchParams }) {
  const pipeline = useLoaded(() => ask(api.GET('/api/v1/pipelines/{name}', { params: { path: { name } } })), [name], 10_000);
  const triggers = useLoaded(() => ask(api.GET('/api/v1/triggers', { params: { query: { pipeline: name } } })), [name], 10_000);
  const [form, setForm] = useState<Awaited<ReturnType<typeof specOf>>>();
  const [error, setError] = useState<unknown>();
  const spec = pipeline.data?.spec;
  if (!pipeline.data || !spec) return pipeline.error ? <Problem error={pipeline.error} /> : <p class="faint">Loading…</p>;
  const tabs = ['runs', ...(spec.partitions ? ['partitions'] : []), 'stages', 'parameters', 'triggers'];
  const tab = tabs.find((t) => t === query.get('tab')) ?? 'runs';
  return (
    <>
      <header class="page-head">
        <h1>{name}</h1>
        <div class="controls">
          <button type="button" class="primary" onClick={() => specOf(name).then(setForm, setError)}>Run…</button>
          <Problem error={error} />
        </div>
      </header>
      <p class="facts">
        {spec.description && <span>{spec.description}</span>}
        <span>version <span class="id">{pipeline.data.version}</span> of {pipeline.data.versions}</span>
        <span title={moment(pipeline.data.updated)}>changed {ago(pipeline.data.updated)}</span>
      </p>
      <div class="tabs" role="tablist">
        {tabs.map((t) => (
          <button key={t} type="button" role="tab" id={`tab-${t}`} aria-selected={t === tab} aria-controls="panel" onClick={() => go(link(['pipelines', name], { tab: t }))}>{t}</button>
        ))}
      </div>
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`} class="panel">
        {tab === 'runs' && <Runs query={query} pipeline={name} />}
        {tab === 'partitions' && <Partitions pipeline={name} query={query} />}
        {tab === 'stages' && <SpecGraph spec={spec} />}
        {tab === 'parameters' && <Parameters parameters={spec.parameters ?? []} />}
        {tab === 'triggers' && (
          <>
            <Problem error={triggers.error} />
            {triggers.data?.length === 0 ? <p class="empty">Nothing starts it but hands. <code>mill trigger add</code> makes a trigger.</p> : <TriggerTable triggers={triggers.data ?? []} onChanged={triggers.reload} />}
          </>
        )}
      </div>
      {form && <RunForm pipeline={name} parameters={form.own} values={{}} partitioned={form.partitioned} onClose={() => setForm(undefined)} />}
    </>
  );
}

/** The stages as declared: a loop's are there once, however many items it has. */
function SpecGraph({ spec }: { spec: Schemas['PipelineSpec'] }) {
  const [selected, setSelected] = useState<string>();
  const stages = useMemo(() => spec.stages ?? [], [spec]);
  const nodes = useMemo<GraphNode[]>(
    () => stages.map((s) => ({
      name: s.name,
      dependsOn: [
        ...Object.values((s.inputs ?? {}) as Record<string, { stage: string }>).map((input) => input.stage), ...(s.after ?? []),
        ...(s.loop ? [s.loop] : []),
        ...(s.when ? conditionStages(s.when) : []),
      ],
    })),
    [stages]);
  const chosen = stages.find((s) => s.name === selected);
  return (
    <div class={chosen ? 'split with-side' : 'split'}>
      <Graph
        nodes={nodes} structure={0} version={0} selected={selected} onSelect={setSelected}
        shown={(i) => ({ name: stages[i]!.name, detail: stages[i]!.operation, status: 'none' })} label={`${nodes.length} stages and what each waits for`}
      />
      {chosen && (
        <aside class="side" aria-label={`Stage ${chosen.name}`}>
          <header><h2>{chosen.name}</h2><button type="button" aria-label="Close" onClick={() => setSelected(undefined)}>✕</button></header>
          <pre class="spec" tabIndex={0}>{JSON.stringify(chosen, undefined, 2)}</pre>
        </aside>
      )}
    </div>
  );
}

/** Stages whose outputs a condition reads, however deep it goes. */
function conditionStages(condition: unknown): string[] {
  if (typeof condition !== 'object' || condition === null) return [];
  return Object.entries(condition).flatMap(([key, value]) => (key === 'stage' && typeof value === 'string' ? [value] : conditionStages(value)));
}

function Parameters({ parameters }: { parameters: readonly Schemas['ParameterSpec'][] }) {
  if (parameters.length === 0) return <p class="empty">It has no parameters.</p>;
  return (
    <table class="list">
      <thead><tr><th>Parameter</th><th>Type</th><th>Default</th><th>From</th><th>To</th><th>One of</th><th>What it is</th></tr></thead>
      <tbody>
        {parameters.map((p) => (
          <tr key={p.name}>
            <td>{p.name}</td><td>{p.type}</td><td>{textOf(p.default)}</td><td>{textOf(p.min)}</td><td>{textOf(p.max)}</td>
            <td>{Array.isArray(p.choices) ? p.choices.map(textOf).join(', ') : ''}</td><td>{p.description}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
