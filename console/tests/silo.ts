import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '..', '..');
const program = (name: string, file: string) => process.env[`GRISTMILL_${name.toUpperCase()}`] ?? join(repository, 'artifacts', 'bin', `Gristmill.${name}`, 'release', file);

/** The browser, or undefined where there is none. */
export const chromium = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));

/** Why the tests in a browser cannot run here, or undefined. */
export const missing = chromium === undefined
  ? 'Chromium is not installed'
  : existsSync(program('Silo', 'Gristmill.Silo.dll')) ? undefined : 'the silo is not built';

/** A real silo in a process of its own, with a data folder that goes with it. */
export class Silo {
  private constructor(readonly url: string, private readonly child: ChildProcess, private readonly folder: string) {}

  static async start(): Promise<Silo> {
    const folder = mkdtempSync(join(tmpdir(), 'gristmill-console-'));
    const child = spawn('dotnet', [
      program('Silo', 'Gristmill.Silo.dll'), '--urls=http://127.0.0.1:0', `--Gristmill:DataDirectory=${join(folder, 'data')}`, `--Gristmill:ObjectDirectory=${join(folder, 'objects')}`,
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const url = await new Promise<string>((found, failed) => {
      const read = (part: Buffer) => {
        output += part.toString();
        const match = /listening on: (\S+)/.exec(output);
        if (match) found(match[1]!);
      };
      child.stdout!.on('data', read);
      child.stderr!.on('data', read);
      child.on('exit', (code) => failed(new Error(`The silo ended with ${code}:\n${output}`)));
    });
    return new Silo(url, child, folder);
  }

  async send(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, {
      method, headers: { 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Registers a pipeline and starts a run of it. */
  async run(spec: { name: string }, request: unknown = {}): Promise<string> {
    await this.send('PUT', `pipelines/${spec.name}`, spec);
    return ((await this.send('POST', `pipelines/${spec.name}/runs`, request)) as { id: string }).id;
  }

  /** Runs a C# pipeline's file on the silo as a user does, and gives the run's id. */
  async mill(file: string): Promise<string> {
    const child = spawn('dotnet', [program('Cli', 'mill.dll'), 'run', file, '--server', this.url], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A compiler that stays would hold the pipes open.
      env: { ...process.env, UseSharedCompilation: 'false', MSBUILDDISABLENODEREUSE: '1' },
    });
    let output = '';
    child.stdout!.on('data', (part: Buffer) => (output += part.toString()));
    child.stderr!.on('data', (part: Buffer) => (output += part.toString()));
    await once(child, 'close');
    const run = /Run (\S+) succeeded/.exec(output)?.[1];
    if (!run) throw new Error(output);
    return run;
  }

  /** Waits until a run has ended, and gives its status. */
  async end(run: string): Promise<string> {
    for (;;) {
      const { status } = (await this.send('GET', `runs/${run}`)) as { status: string };
      if (status !== 'pending' && status !== 'running') return status;
      await new Promise((later) => setTimeout(later, 50));
    }
  }

  async stop() {
    if (this.child.exitCode === null) {
      this.child.removeAllListeners('exit');
      const over = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await over;
    }

    rmSync(this.folder, { recursive: true, force: true });
  }
}
