import { randomUUID } from 'node:crypto';

import type { Preview } from '../activities/inspect/preview.ts';
import { previewPolicy } from '../activities/inspect/preview.ts';
import type { Database } from '../activities/ledger/database.ts';
import { insertPreview } from '../activities/ledger/runs.ts';
import type { Policy } from '../policy/policy.ts';

/** Stands in the ledger for the Temporal cluster of a preview that no workflow made. */
const COMMAND_LINE = 'command line';

/** A preview, and why the ledger does not have it. Undefined if it has. */
interface StoredPreview {
  readonly preview: Preview;
  readonly notStored: string | undefined;
}

/**
 * Previews a policy, and stores the counts in the ledger if there is one that the role may write. For a day they let a
 * run of the same settings pass guards that would stop it. Creates no ledger, because a preview changes no database.
 */
export async function previewAndStore(
  database: Database,
  policy: Policy,
  passes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<StoredPreview> {
  const preview = await previewPolicy(database, policy, passes, signal);
  const notStored = await explainUnwritable(database);
  if (notStored === undefined) {
    const id = `preview-${randomUUID()}`;
    const owner = { workflowId: id, firstRunId: id, temporal: COMMAND_LINE };
    await insertPreview(database.ledger, owner, policy.name, preview.at, preview.passes);
  }
  return { preview, notStored };
}

async function explainUnwritable({ session, ledger }: Database): Promise<string | undefined> {
  const { problems } = await session.facts.readServer();
  const readOnly = problems.find(({ whenWriting }) => whenWriting === true);
  if (readOnly !== undefined)
    return `since the database cannot be written: ${readOnly.what}. ${readOnly.fix}`;
  const version = await ledger.version();
  switch (version) {
    case 'missing':
      return 'which this database does not have yet; `temporal-vacuum ledger migrate` creates it. A run that exceeds its limits asks for a stored preview';
    case 'old':
      return 'which is of an older version; `temporal-vacuum ledger migrate` upgrades it';
    case 'newer':
      return 'which is of a newer version than this program; upgrade temporal-vacuum';
    case 'closed':
      return 'which the role may not read; preview with the role of the worker, if a run asks for a stored preview';
    case 'current': {
      const closed = await ledger.session.ledger.tables.findClosed();
      return closed.length === 0
        ? undefined
        : 'which the role may not write; preview with the role of the worker, if a run asks for a stored preview';
    }
  }
}
