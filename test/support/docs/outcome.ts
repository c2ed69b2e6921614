import type { Client } from '@temporalio/client';

import type { RunReport } from '../../../activities/contract.ts';
import type { TestDatabase } from '../database.ts';
import { waitFor } from '../wait.ts';
import type { Block } from './markdown.ts';

/** Where a block was typed. */
export interface Typist {
  readonly database: TestDatabase;
  readonly client: Client;
}

type Check = (typist: Typist, words: readonly string[]) => Promise<boolean>;

/** What comments say that came of a block, beside `prints: TEXT`. */
const OUTCOMES: readonly (readonly [words: RegExp, check: Check])[] = [
  [
    /^the run of (\S+) is (\w+)(?:, (.+))?$/,
    async ({ database }, [workflowId, status, reason = '']) => {
      const [run] = await database.rows<{ status: string; reasons: string }>(
        'select status, reasons::text from vacuum.run where workflow_id = $1 order by id desc limit 1',
        [workflowId],
      );
      return run !== undefined && run.status === status && run.reasons.includes(reason);
    },
  ],
  [
    /^schedule (\S+) is (paused|not paused), (.+)$/,
    async ({ client }, [id = '', paused, note]) => {
      const { state } = await client.schedule.getHandle(id).describe();
      return state.paused === (paused === 'paused') && state.note === note;
    },
  ],
  [
    /^schedule (\S+) has completed a run$/,
    async ({ client }, [id = '']) => {
      const { info } = await client.schedule.getHandle(id).describe();
      const started = info.recentActions.at(-1)?.action.workflow.workflowId;
      if (started === undefined) return false;
      const report = (await client.workflow.getHandle(started).result()) as RunReport;
      return report.status === 'completed';
    },
  ],
  [
    /^schedule (\S+) has started a run$/,
    async ({ client }, [id = '']) =>
      (await client.schedule.getHandle(id).describe()).info.recentActions.length > 0,
  ],
];

/** Checks what a page says that a block prints, and what it says that is true afterwards. */
export async function expectOutcome(typist: Typist, { said }: Block, output: string): Promise<void> {
  for (const comment of said) {
    const [, kind, text = ''] = /^(prints|afterwards): (.+)$/.exec(comment) ?? [];
    if (kind === 'prints' && !output.includes(text)) throw new Error(`it prints no "${text}":\n${output}`);
    if (kind === 'afterwards') await waitFor(text, async () => checkOutcome(typist, text));
  }
}

async function checkOutcome(typist: Typist, text: string): Promise<boolean> {
  for (const [words, check] of OUTCOMES) {
    const found = words.exec(text);
    if (found !== null) return check(typist, found.slice(1));
  }
  throw new Error(`no test knows how to look at "${text}"`);
}
