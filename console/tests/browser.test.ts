import axe from 'axe-core';
import { chromium as browsers, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromium, missing, Silo } from './silo';

// The console as somebody sees it: the real silo, the real browser.

const noops = (name: string, stages: { name: string; after?: string[] }[]) => ({ name, stages: stages.map((stage) => ({ operation: 'core.noop', ...stage })) });
const chain = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `s${i}`, ...(i > 0 ? { after: [`s${i - 1}`] } : {}) }));

if (missing) console.warn(`The browser's tests are skipped: ${missing}.`);

describe.skipIf(missing)('the console', () => {
  let silo: Silo;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  const open = async (hash: string) => {
    await page.goto(`${silo.url}/console/${hash}`);
  };
  const text = (what: string | RegExp) => page.getByText(what).first().waitFor();

  beforeAll(async () => {
    [silo, browser] = await Promise.all([
      Silo.start(),
      browsers.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] }),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await silo?.stop();
  }, 60_000);

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(20_000);
    problems.length = 0;
    page.on('pageerror', (error) => problems.push(error.message));
    // A refusal that a test asks for is logged by the browser as well; anything else, as of the content policy, is a defect.
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(message.text());
    });
  });

  afterEach(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  it('says what to do where nothing has run, and shows the first run without being asked again', async () => {
    await page.goto(silo.url);
    await text('There are no runs so far.');
    const run = await silo.run(noops('first', chain(3)));
    await page.getByRole('link', { name: run }).click();
    await page.getByRole('heading', { name: /first/ }).waitFor();
    await text('3 succeeded');
  });

  it('follows a run of 10,000 stages, draws them all and lists them', async () => {
    const fan = Array.from({ length: 9_998 }, (_, i) => ({ name: `f${i}`, after: ['first'] }));
    const run = await silo.run(noops('large', [{ name: 'first' }, ...fan, { name: 'last', after: fan.slice(0, 50).map((s) => s.name) }]));
    await open(`#/runs/${run}`);
    await text('10,000 succeeded');
    await page.locator('canvas[data-painted="10000"]').waitFor();
    await page.getByRole('tab', { name: 'stages' }).click();
    await text('10,000 of 10,000');
    // Only what is seen is there.
    expect(await page.getByRole('row').count()).toBeLessThan(120);
    await page.getByRole('searchbox', { name: 'Search stages' }).fill('f9997');
    await text('1 of 10,000');
    await page.getByRole('cell', { name: 'f9997' }).click();
    await page.getByRole('complementary', { name: 'Stage f9997' }).getByText('core.noop').waitFor();
    // Somebody who comes after its end sees all of it, too.
    await page.reload();
    await page.getByRole('tab', { name: 'graph' }).click();
    await page.locator('canvas[data-painted="10000"]').waitFor();
  }, 180_000);

  it('chooses the stage that is clicked in the graph', async () => {
    const run = await silo.run(noops('one', [{ name: 'only' }]));
    expect(await silo.end(run)).toBe('succeeded');
    await open(`#/runs/${run}`);
    await page.locator('canvas[data-painted="1"]').waitFor();
    const box = (await page.locator('canvas').boundingBox())!;
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.getByRole('complementary', { name: 'Stage only' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => page.getByRole('complementary').count()).toBe(0);
  });

  it('shows why a run failed, retries it, and cancels and pauses one that goes on', async () => {
    const run = await silo.run({ name: 'broken', stages: [{ name: 'read', operation: 'sql.read', options: { path: '/nowhere/at-all.csv' } }] } as never);
    await open(`#/runs/${run}`);
    await page.getByRole('alert').getByText('/nowhere/at-all.csv').first().waitFor();
    await page.getByRole('alert').getByText('data.file_not_found').first().waitFor();
    await page.getByRole('button', { name: 'Retry from failed' }).click();
    await text('retried 1 ×');

    const long = await silo.run(noops('long', chain(20_000)));
    await open(`#/runs/${long}`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('heading', { name: /paused/ }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('heading', { name: /running/ }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: /cancelled/ }).waitFor();
    expect(await silo.end(long)).toBe('cancelled');
  }, 120_000);

  it('starts a run with the parameters that are typed, and says what is wrong with them', async () => {
    await silo.send('PUT', 'pipelines/typed', {
      name: 'typed', description: '<img src=x onerror=alert(1)> is text',
      parameters: [{ name: 'epochs', type: 'integer', default: 8, min: 1, max: 10 }, { name: 'kind', type: 'string', default: 'a', choices: ['a', 'b'] }],
      stages: [{ name: 'only', operation: 'core.noop' }],
    });
    await open('#/pipelines/typed');
    await text('<img src=x onerror=alert(1)> is text');
    await page.getByRole('button', { name: 'Run…' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('epochs').fill('11');
    await form.getByRole('button', { name: 'Run', exact: true }).click();
    await form.getByRole('alert').getByText('epochs').first().waitFor();
    expect(await silo.send('GET', 'runs?pipeline=typed')).toHaveLength(0);

    await form.getByLabel('epochs').fill('9');
    await form.getByLabel('kind').selectOption('b');
    await form.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('tab', { name: 'origin' }).click();
    await page.getByRole('row', { name: 'epochs 9' }).waitFor();
    await page.getByRole('row', { name: 'kind b' }).waitFor();

    await page.getByRole('button', { name: 'Run again…' }).click();
    await page.getByRole('dialog').getByLabel('epochs').fill('3');
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await text('again of');
    const runs = (await silo.send('GET', 'runs?pipeline=typed')) as { id: string; parameters: Record<string, string> }[];
    expect(runs.map((r) => [r.parameters.epochs, r.parameters.kind])).toEqual([['3', 'b'], ['9', 'b']]);

    // Found again by what they were set to, and set side by side.
    await open('#/runs');
    await page.getByRole('searchbox', { name: 'Filter' }).fill('params.epochs > ');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('searchbox', { name: 'Filter' }).fill("params.kind = 'b'");
    await page.getByRole('button', { name: 'Filter' }).click();
    for (const run of runs) await page.getByRole('checkbox', { name: `Choose ${run.id}` }).check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    await page.getByRole('row', { name: /epochs 3 9/ }).waitFor();
    expect(await page.getByRole('row', { name: /kind/ }).count()).toBe(0);
  });

  it('backfills the partitions that are missing', async () => {
    await silo.send('PUT', 'pipelines/by-month', {
      name: 'by-month', partitions: { dimensions: [{ name: 'month', kind: 'month', from: '2001-01-01', to: '2001-04-01' }, { name: 'airport', kind: 'static', keys: ['ATL', 'ORD'] }] },
      parameters: ['month', 'airport'].map((name) => ({ name, type: 'string' })).concat(['month-start', 'month-end'].map((name) => ({ name, type: 'date' }))),
      stages: [{ name: 'only', operation: 'core.noop' }],
    });
    await open('#/pipelines/by-month?tab=partitions');
    await text('6 missing');
    await page.getByPlaceholder('*').fill('2001-01..2001-02/ORD');
    await page.getByRole('button', { name: 'Backfill' }).click();
    await page.getByRole('link', { name: '2001-02/ORD: ready' }).waitFor();
    await text('4 missing · 2 ready');
    expect(await page.getByRole('columnheader', { name: 'ATL' }).count()).toBe(1);
  });

  it('fires, pauses and resumes a trigger', async () => {
    await silo.send('PUT', 'pipelines/fired', noops('fired', [{ name: 'only' }]));
    await silo.send('PUT', 'triggers/nightly', { name: 'nightly', pipeline: 'fired', cron: { expression: '0 3 * * *', timeZone: 'Europe/Berlin' } });
    await open('#/triggers');
    await text('cron 0 3 * * * Europe/Berlin');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('button', { name: 'Fire' }).click();
    await page.getByRole('heading', { name: /fired/ }).waitFor();
    await page.getByRole('link', { name: 'nightly' }).click();
    await page.getByRole('row', { name: /^1 .* started/ }).waitFor();
  });

  it('shows what a stage printed, the end first, its curve and its figure', async () => {
    const run = await silo.mill(new URL('tracked.cs', import.meta.url).pathname);
    await open(`#/runs/${run}?stage=learn`);
    const log = page.getByLabel('What learn printed');
    await log.getByText('line 20000 of 20000 <b>not markup</b>').waitFor();
    expect(await log.textContent()).not.toContain('line 1 of 20000');
    const earlier = page.getByRole('button', { name: 'Earlier' });
    for (const lines of [13_000, 20_000]) {
      await earlier.click();
      await expect.poll(async () => (await log.textContent())!.split('\n').length).toBeGreaterThan(lines);
    }

    expect(await earlier.count()).toBe(0);
    const lines = (await log.textContent())!.trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect([lines[0], lines[9_999], lines[19_999]]).toEqual([1, 10_000, 20_000].map((n) => `line ${n} of 20000 <b>not markup</b>`));

    await page.getByRole('tab', { name: 'metrics' }).click();
    await page.getByRole('row', { name: 'loss learn 0.01 100 100' }).waitFor();
    await page.getByRole('img', { name: 'loss by step' }).locator('canvas').waitFor();
    await page.getByRole('tab', { name: 'files' }).click();
    const figure = page.getByRole('img', { name: /curve\.svg/ });
    await expect.poll(() => figure.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(64);
  }, 180_000);

  it('says so when there is no such run, page or answer', async () => {
    await open('#/runs/01zzzzzzzzzzzzzzzz');
    await page.getByRole('alert').getByText('There is no run').waitFor();
    await open('#/elsewhere');
    await text('There is no such page.');
    await page.route('**/api/v1/runs?**', (route) => route.abort());
    await open('#/runs');
    await page.getByRole('alert').getByText('The silo does not answer.').waitFor();
  });

  it.each(['light', 'dark'] as const)('can be used by everybody (%s)', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const run = await silo.run(noops('accessible', chain(3)));
    await silo.end(run);
    for (const hash of ['#/runs', `#/runs/${run}?stage=s1`, `#/runs/${run}?tab=stages`, `#/runs/${run}?tab=origin`, '#/pipelines', '#/pipelines/accessible', '#/triggers', '#/objects', `#/compare?runs=${run},${run}`]) {
      await open(hash);
      await page.waitForLoadState('networkidle');
      await page.evaluate(axe.source);
      const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
      expect(found.violations.map((v) => `${hash} ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)).toEqual([]);
    }
  }, 120_000);
});
