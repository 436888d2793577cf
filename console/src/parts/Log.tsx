import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { addressOf, api, ask, type Schemas } from '../api/client';
import { bytes } from './format';
import { Problem } from './Problem';

type LogPage = Schemas['LogPage'];

/** The most that one answer holds (StageLogLimits), and what is shown of a log at first and more of it with each press. */
const page = 32 * 1024;
const shown = 8 * page;
const kept = 4 * 1024 * 1024;
// Colours and cursor moves that programs print for a terminal.
const escapes = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

/** What an attempt of a stage prints: its end, followed while it runs; earlier pages on demand. */
export function Log({ run, stage, attempts }: { run: string; stage: string; attempts: number }) {
  const [attempt, setAttempt] = useState<number>();
  const [state, setState] = useState<{ text: string; from: number; newest?: LogPage; error?: unknown }>({ text: '', from: 0 });
  const view = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);

  const read = (offset: number, limit: number, of = attempt) =>
    ask(api.GET('/api/v1/runs/{id}/stages/{stage}/logs', { params: { path: { id: run, stage }, query: { attempt: of, offset, limit } } }));

  useEffect(() => {
    let source: EventSource | undefined;
    let gone = false;
    setState({ text: '', from: 0 });
    atEnd.current = true;
    void (async () => {
      try {
        const first = await read(0, 4);
        if (gone) return;
        const from = Math.max(0, first.bytes - shown);
        setState({ text: '', from, newest: first });
        const query = new URLSearchParams({ attempt: String(Math.max(1, first.attempt)), offset: String(from) });
        source = new EventSource(`${addressOf('runs', run, 'stages', stage, 'logs', 'events')}?${query}`);
        source.addEventListener('log', (e) => {
          const next = JSON.parse((e as MessageEvent<string>).data) as LogPage;
          setState((before) => {
            const text = before.text + (next.text ?? '').replace(escapes, '');
            // A page cannot hold all that a stage may print; what was first is read again on demand.
            return text.length <= kept
              ? { ...before, text, newest: next }
              : { text: text.slice(-kept / 2), from: next.next - kept / 2, newest: next };
          });
          if (next.ended) source?.close();
        });
      } catch (error) {
        if (!gone) setState({ text: '', from: 0, error });
      }
    })();
    return () => {
      gone = true;
      source?.close();
    };
    // A new attempt is followed from its start.
  }, [run, stage, attempt, attempt === undefined ? attempts : 0]);

  useLayoutEffect(() => {
    if (atEnd.current && view.current) view.current.scrollTop = view.current.scrollHeight;
  }, [state.text]);

  const earlier = async () => {
    const from = Math.max(0, state.from - shown);
    try {
      let text = '';
      for (let offset = from; offset < state.from; ) {
        const part = await read(offset, Math.max(4, Math.min(page, state.from - offset)), state.newest?.attempt);
        text += part.text ?? '';
        if (part.next <= offset) break;
        offset = part.next;
      }

      setState((before) => ({ ...before, text: text.replace(escapes, '') + before.text, from }));
    } catch (error) {
      setState((before) => ({ ...before, error }));
    }
  };

  const { newest } = state;
  return (
    <section class="log">
      <header>
        <h3>Log</h3>
        {attempts > 1 && (
          <label>
            attempt{' '}
            <select value={attempt ?? ''} onChange={(e) => setAttempt(e.currentTarget.value === '' ? undefined : Number(e.currentTarget.value))}>
              <option value="">newest</option>
              {Array.from({ length: attempts }, (_, i) => <option key={i} value={i + 1}>{i + 1}</option>)}
            </select>
          </label>
        )}
        {newest && <span class="faint">{bytes(newest.bytes)}{newest.dropped ? `, ${bytes(Number(newest.dropped))} left out` : ''}{newest.ended ? '' : ' · following'}</span>}
      </header>
      <Problem error={state.error} />
      {state.from > 0 && <button type="button" onClick={() => void earlier()}>Earlier ({bytes(state.from)})</button>}
      <pre
        ref={view} tabIndex={0} aria-label={`What ${stage} printed`}
        onScroll={(e) => (atEnd.current = e.currentTarget.scrollTop + e.currentTarget.clientHeight >= e.currentTarget.scrollHeight - 8)}
      >
        {state.text || (newest?.ended ? 'It printed nothing.' : 'Nothing so far.')}
      </pre>
    </section>
  );
}
