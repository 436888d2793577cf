import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { go, link } from '../router';
import { Problem } from './Problem';

interface Props {
  pipeline: string;
  /** The run that is run again, or none. */
  rerunOf?: string;
  parameters: readonly Schemas['ParameterSpec'][];
  values: Readonly<Record<string, unknown>>;
  /** Whether a partition may be named, and which. */
  partitioned: boolean;
  partition?: string;
  onClose: () => void;
}

/** Asks for a run's parameters and starts it. */
export function RunForm({ pipeline, rerunOf, parameters, values, partitioned, partition, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  // One key for one form: pressed twice, it starts one run.
  const key = useRef(crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  useEffect(() => dialog.current!.showModal(), []);

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    // What is as it was is not sent: a default may be computed anew.
    const changed = Object.fromEntries(parameters
      .map((p) => ({ p, typed: String(form.get(`p:${p.name}`) ?? '') }))
      .filter(({ p, typed }) => typed !== initial(p.name))
      .map(({ p, typed }) => [p.name, valueOf(p, typed)]));
    const body = {
      parameters: changed,
      noCache: form.get('noCache') !== null,
      partition: String(form.get('partition') ?? '') || undefined,
    };
    setBusy(true);
    setError(undefined);
    try {
      const options = { headers: { 'Idempotency-Key': key.current } };
      const started = rerunOf
        ? await ask(api.POST('/api/v1/runs/{id}/rerun', { params: { path: { id: rerunOf } }, body, ...options }))
        : await ask(api.POST('/api/v1/pipelines/{name}/runs', { params: { path: { name: pipeline } }, body, ...options }));
      go(link(['runs', started.id]));
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };

  const initial = (name: string) => textOf(values[name] ?? parameters.find((p) => p.name === name)?.default);

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="run-form-title">
      <form onSubmit={(e) => void submit(e)}>
        <h2 id="run-form-title">{rerunOf ? `Run ${pipeline} again` : `Run ${pipeline}`}</h2>
        {partitioned && (
          <label class="field">
            <span>partition</span>
            <input name="partition" defaultValue={partition ?? ''} placeholder="2001-04 or 2001-01..2001-06" autocomplete="off" />
          </label>
        )}
        {parameters.map((p) => (
          <label class="field" key={p.name}>
            <span>{p.name} <i>{p.type}</i></span>
            {Array.isArray(p.choices) && p.choices.length > 0
              ? <select name={`p:${p.name}`}>{p.choices.map((c) => <option key={textOf(c)} selected={textOf(c) === initial(p.name)}>{textOf(c)}</option>)}</select>
              : <input name={`p:${p.name}`} defaultValue={initial(p.name)} autocomplete="off" />}
            {(p.description || p.min != null || p.max != null) && (
              <small>{[p.description, p.min == null ? '' : `from ${textOf(p.min)}`, p.max == null ? '' : `to ${textOf(p.max)}`].filter(Boolean).join(' · ')}</small>
            )}
          </label>
        ))}
        {parameters.length === 0 && <p class="faint">It has no parameters.</p>}
        <label class="check"><input type="checkbox" name="noCache" /> execute every stage, whatever the cache holds</label>
        <Problem error={error} />
        <div class="buttons">
          <button type="button" onClick={() => dialog.current!.close()}>Cancel</button>
          <button type="submit" class="primary" disabled={busy}>{busy ? 'Starting…' : 'Run'}</button>
        </div>
      </form>
    </dialog>
  );
}

const texts = ['string', 'date', 'timestamp'];

/** What was typed as a value of a parameter's type; what is none is sent as it is, and refused by name. */
function valueOf(parameter: Schemas['ParameterSpec'], typed: string): unknown {
  if (texts.includes(parameter.type)) return typed;
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

/** A value of the spec as it is typed. */
export function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
