import { addressOf, api, ask, type Schemas, type RunEvent, type RunView, type StageCounts, type StageView } from './client';

const ended = new Set<RunView['status']>(['succeeded', 'failed', 'cancelled']);

/**
 * A run as its events tell of it: the run, then its stages, several an event for a large one, then the changes. Listeners
 * hear of many changes at once, as often as the screen is drawn.
 */
export class RunStore {
  run?: RunView;
  counts: StageCounts = {};
  /** As they were told of: of a run that is followed from its start, in the order of the spec. */
  readonly stages: StageView[] = [];
  /** Counts up when stages come, as those of a loop do: the graph is laid out anew. What a stage waits for never changes. */
  structure = 0;
  /** Counts up with every change. */
  version = 0;
  /** The silo was lost; the browser asks again on its own. */
  lost = false;
  private readonly places = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private source?: EventSource;
  private scheduled = false;

  constructor(readonly id: string) {}

  get over() {
    return this.run !== undefined && ended.has(this.run.status);
  }

  stage(name: string) {
    const place = this.places.get(name);
    return place === undefined ? undefined : this.stages[place];
  }

  listen(listener: () => void) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Follows the run until it ends or the store is closed. */
  follow() {
    this.close();
    const source = new EventSource(addressOf('runs', this.id, 'events'));
    for (const kind of ['run', 'stage', 'stages', 'pause']) {
      source.addEventListener(kind, (e) => this.apply(JSON.parse((e as MessageEvent<string>).data) as RunEvent));
    }

    source.onopen = () => this.tell(() => (this.lost = false));
    source.onerror = () => this.tell(() => {
      if (this.over) this.close();
      else this.lost = true;
    });
    this.source = source;
  }

  close() {
    this.source?.close();
    this.source = undefined;
  }

  private apply(change: RunEvent) {
    this.tell(() => {
      if (change.run) {
        this.run = change.run;
        change.run.stages?.forEach((stage) => this.put(stage));
      }

      change.stages?.forEach((stage) => this.put(stage));
      if (change.stage) this.put(change.stage);
      if (this.run) {
        this.run = { ...this.run, status: change.status, paused: change.paused ?? this.run.paused };
      }

      this.counts = change.run?.counts ?? change.counts ?? this.counts;
      if (this.over) {
        // The server ends the stream, and the browser would ask again.
        this.close();
        void this.complete();
      }
    });
  }

  /** Of a large run that has ended, events tell of some stages only: the others are read. */
  private async complete() {
    const total = Object.values(this.counts).reduce((sum, n) => sum + n, 0);
    for (let offset: number | null | undefined = 0; this.stages.length < total && offset != null; ) {
      const page: Schemas['StagePage'] = await ask(
        api.GET('/api/v1/runs/{id}/stages', { params: { path: { id: this.id }, query: { offset, limit: 1000 } } }));
      this.tell(() => page.stages.forEach((stage) => this.put(stage)));
      offset = page.next;
    }
  }

  private put(stage: StageView) {
    const place = this.places.get(stage.name);
    if (place === undefined) {
      this.places.set(stage.name, this.stages.push(stage) - 1);
      this.structure++;
    } else {
      this.stages[place] = stage;
    }
  }

  private tell(change: () => void) {
    change();
    this.version++;
    if (!this.scheduled) {
      this.scheduled = true;
      // Not by animation frames: a page in the background is to be up to date when it is looked at.
      setTimeout(() => {
        this.scheduled = false;
        this.listeners.forEach((listener) => listener());
      }, 50);
    }
  }
}
