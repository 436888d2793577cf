import type { StageCounts, StageView } from '../api/client';

/** A status as a word and a colour, never by colour alone. */
export const Status = ({ is, paused }: { is: string; paused?: boolean }) => (
  <span class={`status status-${paused && is === 'running' ? 'paused' : is}`}>{paused && is === 'running' ? 'paused' : is}</span>
);

/** What a stage is shown as: one whose result was taken over is told from one that was executed. */
export const statusOf = (stage: StageView) => (stage.cachedFrom ? 'cached' : stage.status);

const order = ['succeeded', 'running', 'failed', 'cancelled', 'skipped', 'pending'] as const;

/** How many of a run's stages stand where: a bar, and the numbers in words. */
export function Counts({ counts }: { counts: StageCounts }) {
  const total = order.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  const parts = order.filter((name) => counts[name]);
  return (
    <div class="counts">
      <div class="bar" aria-hidden="true">
        {parts.map((name) => <i key={name} class={`fill-${name}`} style={{ width: `${(100 * counts[name]!) / total}%` }} />)}
      </div>
      <span>{total === 0 ? 'no stages' : parts.map((name) => `${counts[name]!.toLocaleString('en-US')} ${name}`).join(' · ')}</span>
    </div>
  );
}
