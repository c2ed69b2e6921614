import { randomUUID } from 'node:crypto';

import type { Database } from '../../activities/database/database.ts';
import { insertPreview } from '../../activities/ledger/previews.ts';
import type { Preview } from '../../activities/preview/preview.ts';
import { previewPolicy } from '../../activities/preview/preview.ts';
import type { Policy } from '../../policy/policy.ts';

/** What a preview of the command line has in place of a Temporal. */
const COMMAND_LINE = 'command line';

/** A preview, and why the ledger does not have it; undefined where it has. */
export interface KeptPreview {
  readonly preview: Preview;
  readonly kept: string | undefined;
}

/**
 * Previews, and keeps the counts in the ledger if there is one that the role may write: for a day they let a run of the
 * same settings go ahead where guards would stop it. Makes no ledger: a preview leaves a database as it is.
 */
export async function previewAndKeep(
  database: Database,
  policy: Policy,
  passes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<KeptPreview> {
  const preview = await previewPolicy(database, policy, passes, signal);
  const kept = await whyNot(database);
  if (kept === undefined) {
    const id = `preview-${randomUUID()}`;
    const owner = { workflowId: id, firstRunId: id, temporal: COMMAND_LINE };
    await insertPreview(database.ledger, owner, policy.name, preview.at, preview.passes);
  }
  return { preview, kept };
}

async function whyNot({ ledger }: Database): Promise<string | undefined> {
  const version = await ledger.version();
  switch (version) {
    case 'missing':
      return 'which this database does not have yet; a run that deletes more than its limits asks for one that is. `temporal-vacuum ledger migrate` makes it';
    case 'old':
      return 'which is of an older version; `temporal-vacuum ledger migrate` upgrades it';
    case 'newer':
      return 'which is of a newer version than this program; upgrade temporal-vacuum';
    case 'closed':
      return 'which the role may not read; preview with the role of the worker, where a run asks for one that is';
    case 'current': {
      const closed = await ledger.closedTables();
      return closed.length === 0
        ? undefined
        : 'which the role may not write; preview with the role of the worker, where a run asks for one that is';
    }
  }
}
