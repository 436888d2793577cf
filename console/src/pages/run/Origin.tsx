import type { RunView } from '../../api/client';
import { moment } from '../../parts/format';
import { textOf } from '../../parts/RunForm';

/** What a run was made of: parameters, tags, the version, the machine and its packages. */
export function Origin({ run }: { run: RunView }) {
  return (
    <div class="columns">
      <Table title="Parameters" rows={run.parameters} />
      <Table title="Tags" rows={run.tags ?? undefined} />
      <Table
        title="Run"
        rows={{
          version: run.pipelineVersion, created: moment(run.created), started: moment(run.started), ended: moment(run.ended),
          ...(run.environment ? { host: run.environment.host ?? '', platform: run.environment.platform ?? '', runtime: run.environment.runtime ?? '' } : {}),
        }}
      />
      <Table title="Packages" rows={run.environment?.packages} />
    </div>
  );
}

function Table({ title, rows }: { title: string; rows?: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(rows ?? {});
  return entries.length === 0 ? null : (
    <table class="list">
      <caption>{title}</caption>
      <tbody>{entries.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td class="wrap">{textOf(value)}</td></tr>)}</tbody>
    </table>
  );
}
