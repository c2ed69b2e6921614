import { expect, test } from '@jest/globals';

import { readEntities } from '../../../activities/dialect/postgresql/entities.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import type { Explanation } from '../../../activities/inspect/explain.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { readPolicyEntities } from '../../../activities/plan/resolve-policy.ts';
import type { StayReason } from '../../../activities/stored/stay-reason.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { makeEveryKind } from '../../support/prefect/every-kind.ts';
import { everyPass } from '../../support/prefect/every-pass.ts';

/** Reasons that an earlier pass of the same run, or an earlier level of nested rows, may take away. */
const MAY_END: ReadonlySet<StayReason> = new Set(['nested', 'parent-exists', 'points-at-a-row']);

interface ExplainResult {
  readonly row: string;
  readonly explanation: Explanation;
}

/** The keys of all rows of the entities of a policy, as `Entity key`. */
async function countRows(database: TestDatabase, policy: Policy): Promise<string[]> {
  const entities = readPolicyEntities({ readEntities }, policy);
  const found = await Promise.all(
    entities.names().map(async (name) => {
      const entity = entities.find(name);
      if (entity === undefined) throw new Error(`no entity ${name}`);
      const rows = await database.rows<{ id: string }>(
        `select id::text from ${entities.table(entity).name} order by id`,
      );
      return rows.map(({ id }) => `${name} ${id}`);
    }),
  );
  return found.flat();
}

test('what it says of rows of every kind of a Prefect database is what a run does', async () => {
  const prefect = await createDatabase();
  await makeEveryKind(prefect);
  const policy = everyPass();
  const database = await openDatabase(prefect.url);
  try {
    const hold = async (entity: string, filter: object): Promise<unknown> =>
      addHold(database, policy, { entity, rows: { filter }, reason: 'r', who: 'w', until: null });
    await hold('FlowRun', { stateType: 'CRASHED' });
    await hold('Log', { level: 40 });
    await hold('Event', { event: 'acme.order.paid' });

    const before = await countRows(prefect, policy);
    const told: ExplainResult[] = [];
    // Each takes a look at the whole policy; rows of a kind are made one after the other.
    const waiting = before.filter((_, n) => n % 5 === 0);
    const work = async (): Promise<void> => {
      for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
        const [entity = '', key = ''] = row.split(' ');
        told.push({ row, explanation: await explainRow(database, policy, entity, key) });
      }
    };
    await Promise.all([work(), work(), work()]);

    await runEngine(prefect.url, policy);
    const left = new Set(await countRows(prefect, policy));
    const going = told.filter(({ explanation }) => explanation.goesBy !== null);
    expect(going.filter(({ row }) => left.has(row)).map(describeRow)).toEqual([]);
    // What nothing was said to take is there, unless something that kept it went first.
    const wrong = told.filter(({ row, explanation }) => explanation.goesBy === null && !left.has(row));
    const explained = wrong.filter(({ explanation }) =>
      explanation.passes.some(
        ({ reasons }) => reasons.length > 0 && reasons.every(({ why }) => MAY_END.has(why)),
      ),
    );
    expect(wrong.filter((one) => !explained.includes(one)).map(describeRow)).toEqual([]);
    expect(explained.length).toBeLessThan(wrong.length === 0 ? 1 : going.length / 10);
    // Which fifth of the rows is asked about depends on their random ids.
    expect(going.length).toBeGreaterThan(15);
    const reasons = new Set(
      told.flatMap(({ explanation }) =>
        explanation.passes.flatMap((pass) => pass.reasons.map(({ why }) => why)),
      ),
    );
    const all: StayReason[] = [
      'held',
      'nested',
      'no-age',
      'no-parent',
      'parent-exists',
      'too-young',
      'filter-mismatch',
    ];
    expect([...reasons]).toEqual(expect.arrayContaining(all));
  } finally {
    await database.close();
    await prefect.drop();
  }
}, 180_000);

function describeRow({ row, explanation: { goesBy, passes } }: ExplainResult): string {
  const why = passes.map(({ pass, reasons }) => `${pass}: ${reasons.map((reason) => reason.why).join(', ')}`);
  return `${row} ${goesBy === null ? `was said to stay (${why.join('; ')})` : `was said to go by ${goesBy}`}`;
}
