import { afterAll, afterEach, describe, test } from '@jest/globals';

import type { EitherDatabase } from '../support/either.ts';
import { DIALECTS } from '../support/either.ts';
import { describeNeeding } from '../support/needing.ts';
import { AGES } from '../support/options/ages.ts';
import { checkOption } from '../support/options/check-option.ts';
import { CHILDREN } from '../support/options/children.ts';
import { KEPT_REFERENCES } from '../support/options/kept-references.ts';
import { PARTITIONS } from '../support/options/partitions.ts';
import { REFERENCES } from '../support/options/references.ts';
import { RETENTIONS } from '../support/options/retentions.ts';
import { TemporalSession } from '../support/temporal.ts';
import { vacuum } from '../support/vacuum.ts';

// Each option of a policy in a world of its own: whoever adds one adds it here.

let world: EitherDatabase | undefined;
afterEach(async () => {
  await world?.drop();
  world = undefined;
});

const OPTIONS = [...CHILDREN, ...AGES, ...RETENTIONS, ...REFERENCES, ...KEPT_REFERENCES];

describe.each(DIALECTS)('preview, run, explain, backlog and doctor agree, on %s', (dialect, open) => {
  test.each(OPTIONS.filter(({ only = dialect }) => only === dialect))('$name', async (option) => {
    world = await open(option.schema);
    await checkOption(world, option);
  });
});

// SQLite has no partitions. Tables are dropped by activities, not by batches of the engine.
describeNeeding(['temporal'], 'preview, run, explain, backlog and doctor agree', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test.each(PARTITIONS)('$name', async (option) => {
    const [, open] = DIALECTS[0] ?? [];
    if (open === undefined) throw new Error('no PostgreSQL');
    const opened = await open(option.schema);
    world = opened;
    await checkOption(opened, option, async (policy) => vacuum(session, opened, [policy]));
  });
});
