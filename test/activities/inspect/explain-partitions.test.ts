import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import type { PassExplanation } from '../../../activities/inspect/explain.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createReadings, dropOld, readingsPolicy } from '../../support/readings.ts';

const HOUR = 3_600_000;
const POLICY = readingsPolicy([dropOld()]);

describe('explain of a row whose partition is dropped', () => {
  let source: TestDatabase;
  let database: Database;
  beforeEach(async () => {
    source = await createReadings();
    database = await openDatabase(source.url);
  });
  afterEach(async () => {
    await database.close();
    await source.drop();
  });

  /** What the pass says of a reading. */
  async function explain(id: number): Promise<PassExplanation | undefined> {
    const ts = await source.value<string>('select ts::text from reading where id = $1', [id]);
    const { passes } = await explainRow(database, POLICY, 'Reading', `id=${id},ts=${ts}`);
    expect(passes.length).toBeLessThan(2);
    return passes[0];
  }

  async function hold(device: number, until: string | null): Promise<void> {
    await database.ledger.migrate();
    const rows = { filter: { device } };
    await addHold(database, POLICY, { entity: 'Reading', rows, reason: 'asked', who: 'me', until });
  }

  test('goes with it, also where the row itself would not be named', async () => {
    expect(await explain(101)).toMatchObject({ pass: 'old', role: 'row', goes: true, reasons: [] });
    expect(await explain(310)).toMatchObject({ goes: true });
  });

  test('stays until the upper bound of its partition is old enough, however old it is', async () => {
    const told = await explain(410);
    expect(told).toMatchObject({ goes: false, reasons: [{ why: 'young-partition' }] });
    // The bound lies an hour behind the horizon, of which a second is cut off.
    expect(Math.abs(Date.parse(told?.from ?? '') - Date.now() - HOUR)).toBeLessThan(120_000);
    const later = await explain(501);
    expect(Math.round((Date.parse(later?.from ?? '') - Date.now()) / HOUR)).toBe(40 * 24);
  });

  test('stays for ever in a partition without an upper bound', async () => {
    expect(await explain(601)).toMatchObject({
      from: null,
      reasons: [{ why: 'open-partition', from: null }],
    });
  });

  test('stays as long as a hold names any row of its partition', async () => {
    await hold(205, '2100-01-01T00:00:00Z');
    const held = { goes: false, reasons: [{ why: 'held', from: '2100-01-01T00:00:00.000Z' }] };
    expect(await explain(201)).toMatchObject(held);
    expect(await explain(205)).toMatchObject(held);
    expect(await explain(105)).toMatchObject({ goes: true });
    await hold(206, null);
    expect(await explain(201)).toMatchObject({ reasons: [{ why: 'held', from: null }] });
  });

  test('stays as long as a row references one of its partition, or a view reads it', async () => {
    await source.rows(`
      create table note (reading integer, ts timestamptz, foreign key (reading, ts) references reading (id, ts));
      insert into note select id, ts from reading where id = 105;
      create view seen as select id from reading_2`);
    const referenced = { goes: false, from: null, reasons: [{ why: 'referenced', from: null }] };
    expect(await explain(101)).toMatchObject(referenced);
    expect(await explain(201)).toMatchObject(referenced);
    expect(await explain(301)).toMatchObject({ goes: true });
  });
});
