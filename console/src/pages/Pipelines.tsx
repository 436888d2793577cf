import { api, ask } from '../api/client';
import { useLoaded } from '../api/useLoaded';
import { ago, moment } from '../parts/format';
import { Problem } from '../parts/Problem';
import { link } from '../router';

export function Pipelines() {
  const pipelines = useLoaded(() => ask(api.GET('/api/v1/pipelines')), [], 5000);
  return (
    <>
      <header class="page-head"><h1>Pipelines</h1></header>
      <Problem error={pipelines.error} />
      {pipelines.data?.length === 0 && <p class="empty">None is registered so far. <code>mill run pipeline.cs</code> registers one and runs it.</p>}
      {!!pipelines.data?.length && (
        <table class="list">
          <thead><tr><th>Pipeline</th><th class="num">Versions</th><th>Newest</th><th>Changed</th></tr></thead>
          <tbody>
            {pipelines.data.map((p) => (
              <tr key={p.name}>
                <td><a href={link(['pipelines', p.name])}>{p.name}</a></td>
                <td class="num">{p.versions}</td>
                <td class="id">{p.version}</td>
                <td title={moment(p.updated)}>{ago(p.updated)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
