import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { hasEnded, spawnChild } from '../../../worker/child-process.ts';
import { PREFECT } from '../parts/bring.ts';

/** Prefect's programs, with a folder of their own for whatever they keep in files. */
export class PrefectHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-prefect-'));
  readonly #log = join(this.folder, 'log');

  /** What the programs wrote, all in one. */
  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Starts `prefect` or `python`; it ends with this process. */
  start(program: 'prefect' | 'python', args: readonly string[], settings: NodeJS.ProcessEnv): ChildProcess {
    const output = openSync(this.#log, 'a');
    // Nothing of a person's own Prefect, proxies included, may reach a program that deletes.
    const env = {
      PATH: process.env['PATH'],
      HOME: this.folder,
      PREFECT_HOME: this.folder,
      PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
      PREFECT_SERVER_UI_ENABLED: 'false',
      ...settings,
    };
    const child = spawnChild(join(dirname(PREFECT.path), program), args, { env, output });
    closeSync(output);
    return child;
  }

  /** Runs a program to its end. Throws with what all programs wrote where it fails. */
  async run(...[program, args, settings]: Parameters<PrefectHome['start']>): Promise<void> {
    const child = this.start(program, args, settings);
    if (!hasEnded(child)) await once(child, 'exit');
    if (child.exitCode !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${this.log}`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
