import { api, ask, type StageView } from '../../api/client';
import { useLoaded } from '../../api/useLoaded';
import { between, bytes, duration, moment, number } from '../../parts/format';
import { Log } from '../../parts/Log';
import { Problem } from '../../parts/Problem';
import { textOf } from '../../parts/RunForm';
import { Status, statusOf } from '../../parts/Status';
import { link } from '../../router';

/** One stage of a run: how it stands, what it made, why it was or was not taken over, what it prints. */
export function Stage({ run, stage, onClose }: { run: string; stage: StageView; onClose: () => void }) {
  const over = stage.status !== 'pending' && stage.status !== 'running';
  // The whole of it: a large run's events leave out what is long.
  const whole = useLoaded(
    () => ask(api.GET('/api/v1/runs/{id}/stages/{stage}', { params: { path: { id: run, stage: stage.name } } })), [run, stage.name, stage.status, stage.attempts]);
  const cache = useLoaded(
    async () => (over ? ask(api.GET('/api/v1/runs/{id}/stages/{stage}/cache', { params: { path: { id: run, stage: stage.name } } })) : undefined), [run, stage.name, over]);
  const shown = { ...stage, outputs: whole.data?.outputs ?? stage.outputs, metrics: whole.data?.metrics ?? stage.metrics, error: stage.error ?? whole.data?.error };
  const fraction = Number(stage.progress?.fraction ?? 0);
  return (
    <aside class="side" aria-label={`Stage ${stage.name}`}>
      <header>
        <h2>{stage.name}</h2>
        <button type="button" aria-label="Close" onClick={onClose}>✕</button>
      </header>
      <p class="facts">
        <Status is={statusOf(stage)} />
        <span>{stage.operation}</span>
        {stage.started && <span title={moment(stage.started)}>{between(stage.started, stage.ended)}</span>}
        {!!stage.attempts && stage.attempts > 1 && <span>{stage.attempts} attempts</span>}
      </p>
      {stage.status === 'running' && (
        <div class="progress">
          <progress aria-label="Progress" {...(fraction > 0 ? { value: fraction } : {})} max={1} />
          <span>{fraction > 0 ? `${(fraction * 100).toFixed(0)} % ` : ''}{stage.progress?.message}</span>
        </div>
      )}
      {stage.reason && <p>{stage.reason}</p>}
      <Problem error={shown.error} />
      {stage.cachedFrom && <p>Taken over from <a class="id" href={link(['runs', stage.cachedFrom.run], { stage: stage.cachedFrom.stage })}>{stage.cachedFrom.run}</a>.</p>}
      {shown.outputs && Object.keys(shown.outputs).length > 0 && <Outputs outputs={shown.outputs} />}
      {shown.metrics && Object.keys(shown.metrics).length > 0 && (
        <section>
          <h3>Metrics</h3>
          <Numbers of={shown.metrics} />
        </section>
      )}
      {stage.usage && (
        <section>
          <h3>Cost</h3>
          <dl>
            <div><dt>wall</dt><dd>{duration(Number(stage.usage.wallMs ?? 0))}</dd></div>
            <div><dt>cpu</dt><dd>{duration(Number(stage.usage.cpuMs ?? 0))}</dd></div>
            {!!stage.usage.rows && <div><dt>rows</dt><dd>{number(stage.usage.rows)}</dd></div>}
            {!!stage.usage.bytesOut && <div><dt>made</dt><dd>{bytes(Number(stage.usage.bytesOut))}</dd></div>}
            <div><dt>copied</dt><dd>{bytes(Number(stage.usage.bytesCopied ?? 0))}</dd></div>
            {!!stage.usage.peakRss && <div><dt>memory</dt><dd>{bytes(Number(stage.usage.peakRss))}</dd></div>}
          </dl>
        </section>
      )}
      {cache.data && cache.data.outcome !== 'none' && (
        <section>
          <h3>Cache: {cache.data.outcome}</h3>
          {cache.data.reason && <p>{cache.data.reason}</p>}
          {cache.data.nearest && cache.data.nearest.changes && cache.data.nearest.changes.length > 0 && (
            <table class="list">
              <caption>In what it differs from <a class="id" href={link(['runs', cache.data.nearest.run])}>{cache.data.nearest.run}</a></caption>
              <thead><tr><th>What</th><th>Was</th><th>Now</th></tr></thead>
              <tbody>{cache.data.nearest.changes.map((c) => <tr key={c.name}><td>{c.name}</td><td>{c.was}</td><td>{c.now}</td></tr>)}</tbody>
            </table>
          )}
        </section>
      )}
      {stage.attempts ? <Log run={run} stage={stage.name} attempts={stage.attempts} /> : null}
    </aside>
  );
}

/** What a stage committed; of an object its rows and size. */
function Outputs({ outputs }: { outputs: NonNullable<StageView['outputs']> }) {
  return (
    <section>
      <h3>Outputs</h3>
      <dl>
        {Object.entries(outputs).map(([name, artifact]) => (
          <div key={name}>
            <dt>{name} <i>{artifact.kind}</i></dt>
            <dd>
              {artifact.dataset
                ? <><a class="id" href={link(['objects', artifact.dataset.id])}>{artifact.dataset.id}</a> {number(artifact.dataset.rows)} rows, {bytes(artifact.dataset.bytes)}</>
                : artifact.metrics ? <Numbers of={artifact.metrics} />
                : artifact.model ? <>{artifact.model.engine}, {bytes(artifact.model.bytes)}</>
                : <code>{short(textOf(artifact.value?.json ?? artifact.file ?? artifact.collection))}</code>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const Numbers = ({ of }: { of: Readonly<Record<string, number | string>> }) => (
  <dl>{Object.entries(of).sort().map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{number(value)}</dd></div>)}</dl>
);

const short = (text: string) => (text.length > 300 ? `${text.slice(0, 300)}…` : text);
