import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import { ROOT } from '../parts/bring.ts';

export interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Job {
  readonly needs?: readonly string[];
  readonly permissions?: object;
  readonly steps: readonly Step[];
}

/** The workflow that publishes a release. */
export interface ReleaseWorkflow {
  readonly on: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Reads the workflow that publishes a release. */
export function readReleaseWorkflow(): ReleaseWorkflow {
  return parse(readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8')) as ReleaseWorkflow;
}
