import type { Client } from '@temporalio/client';

import type { RunReport } from '../../../activities/contract.ts';
import { START, evaluateAlerts } from '../alerts.ts';
import type { TestDatabase } from '../database.ts';
import { parseSeries } from '../scrape.ts';
import { waitFor } from '../wait.ts';
import type { Block } from './markdown.ts';

/** Where a block was typed, and what it printed. */
export interface Typist {
  readonly database: TestDatabase;
  readonly client: Client;
  readonly output: string;
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
  [
    /^alert (\S+) fires within 20 minutes with (\d+) in place of (\d+)$/,
    async ({ output }, [alert = '', low = '', shipped = '']) => {
      const edited = findAlerts(output, (expression) => expression.replace(shipped, low));
      const [fired = '', hour = Infinity] = Object.entries(edited)[0] ?? [];
      const isSilent = Object.keys(findAlerts(output, (expression) => expression)).length === 0;
      return fired.startsWith(`${alert} `) && hour > 0 && hour <= 1 / 3 && isSilent;
    },
  ],
];

/** The alerts that fire within an hour after a scrape, if no run completes any more, and since which hour. */
function findAlerts(scraped: string, edit: (expression: string) => string): Record<string, number> {
  const series = parseSeries(scraped).map(({ name, labels, value }) => {
    const age = Date.now() / 1000 - value;
    return { name, labels, at: () => START - age };
  });
  return evaluateAlerts(series, 1, edit);
}

/** Checks what a page says that a block prints, and what it says that is true afterwards. */
export async function expectOutcome(typist: Typist, { said }: Block): Promise<void> {
  const { output } = typist;
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
