import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { EpochUnit } from '../../../policy/epoch.ts';
import { EPOCH_UNITS, epoch } from '../../../policy/epoch.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';

const Visit = defineEntity({
  name: 'Visit',
  properties: { id: p.integer().primary(), seen: p.bigint('string') },
});
const PER_SECOND = { s: 1, ms: 1e3, us: 1e6 } as const;
const TYPES = ['bigint', 'numeric', 'double precision'] as const;

/** So many visits, the n-th n hours and a half ago. */
function makeVisits(unit: EpochUnit, type: string, count: number, index = ''): string {
  const perSecond = PER_SECOND[unit];
  const last = Math.floor(Date.now() / 1000 - 1800) * perSecond;
  return `
    create table visit (id integer primary key, seen ${type});
    ${index}
    insert into visit
    with recursive number (n) as (select 1 union all select n + 1 from number where n < ${count})
    select n, ${last} - cast(n as bigint) * ${3600 * perSecond} from number;
    analyze visit;`;
}

function makePolicy(unit: EpochUnit, hours: number): Policy {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Visit],
    passes: [
      expireRows({ name: 'old', entity: Visit, age: epoch('seen', unit), olderThan: `${hours} hours` }),
    ],
    limits: { maxPercent: 100 },
  });
}

/** What is said of a policy: by the preview, by the run, and as a problem by doctor. */
async function judge(world: EitherDatabase, policy: Policy): Promise<Record<string, string>> {
  const message = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => '',
      (error: Error) => error.message,
    );
  const database = await openDatabase(world.url);
  try {
    const findings = await examineDatabase(database, policy);
    const problems = findings.filter(({ state }) => state === 'problem');
    return {
      doctor: problems.map(({ what, fix }) => `${what}. ${fix}`).join('\n'),
      preview: await message(previewPolicy(database, policy, ['old'])),
      run: await message(runEngine(world.url, policy)),
    };
  } finally {
    await database.close();
  }
}

let world: EitherDatabase | undefined;
afterEach(async () => {
  await world?.drop();
  world = undefined;
});

const WRONG_UNITS = (
  [
    ['s', 'ms'],
    ['us', 'ms'],
    ['ms', 's'],
    ['ms', 'us'],
  ] as const
).flatMap(([unit, taken]) => TYPES.map((type) => [unit, taken, type] as const));

describe.each(DIALECTS)('ages since 1970, on %s', (_, open) => {
  test.each(WRONG_UNITS)(
    '%s taken for %s, in %s: preview, run and doctor say it',
    async (unit, taken, type) => {
      world = await open(makeVisits(unit, type, 49));
      const all = await world.ids('visit');
      const wrong = await judge(world, makePolicy(taken, 40));
      const what = `age takes Visit.seen for ${EPOCH_UNITS[taken]} since 1970, and none of its values is one`;
      for (const said of ['doctor', 'preview', 'run']) {
        expect(wrong[said]).toContain(what);
        expect(wrong[said]).toContain('Name the unit of its values: s, ms, us');
      }
      expect(await world.ids('visit')).toEqual(all);
      // Nothing else is wrong with the policy.
      expect(await judge(world, makePolicy(unit, 40))).toEqual({ doctor: '', preview: '', run: '' });
      expect(await world.ids('visit')).toEqual(all.slice(0, 39));
    },
  );

  test.each([
    ['s', 'bigint'],
    ['ms', 'bigint'],
    ['us', 'bigint'],
    ['s', 'numeric'],
    ['us', 'double precision'],
  ] as const)('%s in %s: a run chooses the index if few rows are old', async (unit, type) => {
    const scans: unknown[] = [];
    for (const index of ['create index visit_seen on visit (seen);', '']) {
      world = await open(makeVisits(unit, type, 20_000, index));
      const { passes } = await runEngine(world.url, makePolicy(unit, 19_950));
      scans.push(passes[0]?.scan);
      expect(passes[0]?.rows).toBe(51);
      expect((await world.ids('visit')).at(-1)).toBe(19_949);
      await world.drop();
      world = undefined;
    }
    expect(scans).toEqual(['by-age', 'by-location']);
  });
});
