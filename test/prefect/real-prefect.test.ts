import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { STATE_TYPES } from '../../policy/presets/prefect/index.ts';
import { describeNeeding } from '../support/needing.ts';
import type { Comparison } from '../support/prefect/comparison.ts';
import { compare } from '../support/prefect/comparison.ts';
import type { ContentRow, Contents } from '../support/prefect/contents.ts';
import { prefectEntities } from '../support/prefect/entity-columns.ts';
import { PrefectHome } from '../support/prefect/home.ts';
import { migratedPrefect } from '../support/prefect/migrated.ts';
import { TABLES } from '../support/prefect/model.ts';
import type { Schema } from '../support/prefect/read-schema.ts';
import { crossingKeys, readSchemaFrom, pickTable } from '../support/prefect/read-schema.ts';
import { resolveAgainst } from '../support/prefect/resolve-policy.ts';
import { startPrefectServer } from '../support/prefect/server.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

const MINUTES = 60_000;
const HANGING = ['flow_run', 'flow_run_state', 'flow_run_input', 'task_run', 'task_run_state'];
const SOFT = ['log', 'artifact', 'artifact_collection'];
/** Of these the API takes nothing, whatever it deletes; ours takes what is old by itself. */
const OLD_BY_THEMSELVES = ['events', 'event_resources', 'task_run_state_cache'];
/** The runs that go, by name: `history.ts` says how old each is. */
// oxfmt-ignore
const GO = [
  'daily-oldest', 'daily-old', 'weekly-old', 'monthly-old', 'failed', 'crashed', 'cancelled', 'just-outside',
  'late-lines', 'of-deployment', 'family', 'family-child', 'family-grandchild', 'split', 'endless', 'stuck-crashed',
  'stuck-child',
];

describeNeeding(['temporal', 'prefect'], 'a real Prefect', () => {
  let home: PrefectHome;
  let migrated: string;

  beforeAll(async () => {
    home = new PrefectHome();
    migrated = await migratedPrefect();
  }, 3 * MINUTES);
  afterAll(async () => home.remove());

  describe('made by its own migrations', () => {
    let real: Schema;
    let ours: Schema;

    beforeAll(async () => {
      real = await readSchemaFrom(migrated);
      ours = await readSchemaFrom();
    });

    test('schema.sql has the tables of the model; there are no triggers and no broken indexes', () => {
      expect(new Set(ours.columns.map(({ table }) => table))).toEqual(
        new Set([...TABLES, 'deployment', 'work_pool', 'work_queue']),
      );
      expect([...ours.triggers, ...real.triggers]).toEqual([]);
      expect(real.indexes.filter(({ valid }) => !valid)).toEqual([]);
    });

    test.each(TABLES)('%s has the columns, indexes and keys that schema.sql gives it', (table) => {
      expect(pickTable(ours, table)).toEqual(pickTable(real, table));
    });

    test('other tables are tied to these by the foreign keys that schema.sql leaves out, and by no more', () => {
      expect(crossingKeys(ours)).toEqual([]);
      expect(crossingKeys(real)).toEqual([
        'deployment: FOREIGN KEY (flow_id) REFERENCES flow(id) ON DELETE CASCADE',
        'flow_run: FOREIGN KEY (infrastructure_document_id) REFERENCES block_document(id) ON DELETE CASCADE',
        'flow_run: FOREIGN KEY (work_queue_id) REFERENCES work_queue(id) ON DELETE SET NULL',
      ]);
    });

    test('a run can be in the states that the preset knows, and in no others', () => {
      expect(real.enums['state_type']?.toSorted()).toEqual(STATE_TYPES.toSorted());
      expect(ours.enums['state_type']).toEqual(real.enums['state_type']);
    });

    test.each(prefectEntities())(
      '%s has a fitting column for every property of its entity',
      (name, columns) => {
        expect(columns).not.toEqual([]);
        for (const { column, nullable, fitting } of columns) {
          const found = real.columns.find((at) => at.table === name && at.column === column);
          expect(found).toMatchObject({ table: name, column, nullable });
          expect(fitting).toContain(found?.type);
        }
      },
    );

    test('the policy of the preset fits it without a mistake', async () => {
      const policy = prefectPolicy();
      const names = await resolveAgainst(migrated, policy);
      expect(names).toEqual(policy.passes.map(({ name }) => name));
    });
  });

  describe('with a past, cleaned once by us and once through its API', () => {
    const session = new TemporalSession();
    let comparison: Comparison;
    let drop = async (): Promise<void> => undefined;

    beforeAll(async () => {
      comparison = await compare(home, migrated, session);
      drop = comparison.database.drop;
    }, 5 * MINUTES);
    afterAll(async () => {
      await session.close();
      await drop();
    });

    test('we take the runs that are over and old, and of a family only those whose parents go', async () => {
      const { past, vacuumed, runs, before, report } = comparison;
      expect(runs.toSorted()).toEqual(GO.map((name) => past.run(name).id).toSorted());
      expect(past.gone('flow_run', vacuumed)).toEqual(runs);
      const background = past.rows('task_run').filter(({ id }) => comparison.backgroundTasks.includes(id));
      const names = new Set(background.map((row) => row['name']));
      expect(names).toEqual(new Set(['background-failed', 'background-old']));
      expect(report.status).toBe('completed');
      await before.expectRightRows();
      await before.expectExactAccount(report);
    });

    test('of runs and what hangs on them both leave the same rows', () => {
      const { past, vacuumed, byApi } = comparison;
      for (const table of HANGING) {
        expect(past.gone(table, vacuumed)).not.toEqual([]);
        expect(vacuumed.rows(table)).not.toEqual([]);
        expect({ table, rows: vacuumed.rows(table) }).toEqual({ table, rows: byApi.rows(table) });
      }
    });

    test('both leave all other tables alone', () => {
      const { past, vacuumed, byApi } = comparison;
      const known = new Set([...HANGING, ...SOFT, ...OLD_BY_THEMSELVES]);
      const others = past.tables.filter((table) => !known.has(table));
      const filled = others.filter((table) => past.rows(table).length > 0);
      expect(filled).toEqual(expect.arrayContaining(['flow', 'deployment']));
      for (const table of others) {
        expect({ table, rows: vacuumed.rows(table) }).toEqual({ table, rows: past.rows(table) });
        // A server registers the types of blocks anew whenever it starts.
        if (table === 'block_type') continue;
        expect({ table, rows: byApi.rows(table) }).toEqual({ table, rows: past.rows(table) });
      }
    });

    test('the API leaves events and the state cache; we take what is old of them by itself', () => {
      const { past, vacuumed, byApi } = comparison;
      for (const table of OLD_BY_THEMSELVES) {
        expect({ table, rows: byApi.rows(table) }).toEqual({ table, rows: past.rows(table) });
      }
      const resource = `prefect.flow-run.${past.run('daily-oldest').id}`;
      const events = past.rows('events').filter((row) => row['resource_id'] === resource);
      expect(events.length).toBeGreaterThanOrEqual(3);
      const ids = new Set(events.map(({ id }) => id));
      expect(past.gone('events', vacuumed)).toEqual([...ids]);
      const resources = past.rows('event_resources').filter((row) => ids.has(String(row['event_id'])));
      expect(past.gone('event_resources', vacuumed)).toEqual(resources.map(({ id }) => id));
      // One had expired; the state of another went with its task run.
      const cached = vacuumed.rows('task_run_state_cache').map((row) => row['cache_key']);
      expect(past.rows('task_run_state_cache')).toHaveLength(2);
      expect(cached).toEqual([]);
    });

    test('of the log lines we take besides those whose run was gone before, past the grace', () => {
      const { past, vacuumed, byApi } = comparison;
      const lost = new Set(['past the grace', 'of a task run alone']);
      const orphaned = past.rows('log').filter((row) => lost.has(String(row['message'])));
      expect(orphaned).toHaveLength(6);
      expect([...vacuumed.rows('log'), ...orphaned].toSorted(byId)).toEqual(byApi.rows('log'));
      const messages = vacuumed.rows('log').map((row) => row['message']);
      const left = ['within the grace', 'without any run', 'of a background task run'];
      expect(messages).toEqual(expect.arrayContaining(left));
    });

    test('with both a subflow whose parent went is a run of its own; other subflows keep their parents', () => {
      const { past, vacuumed, byApi } = comparison;
      for (const name of ['split-child', 'split-grandchild', 'nested-child']) {
        expect(past.run(name)['parent_task_run_id']).not.toBeNull();
        const expected = {
          ...past.run(name),
          ...(name === 'split-child' ? { parent_task_run_id: null } : {}),
        };
        expect(vacuumed.run(name)).toEqual(expected);
        expect(byApi.run(name)).toEqual(expected);
      }
    });

    test('the API leaves all artifacts and collections; we take those of the runs and the orphaned', () => {
      const { past, vacuumed, byApi, runs, backgroundTasks } = comparison;
      expect(byApi.rows('artifact')).toEqual(past.rows('artifact'));
      expect(byApi.rows('artifact_collection')).toEqual(past.rows('artifact_collection'));
      const taken = past
        .rows('artifact')
        .filter(
          (row) =>
            runs.includes(String(row['flow_run_id'])) ||
            backgroundTasks.includes(String(row['task_run_id'])) ||
            row['key'] === 'orphaned',
        );
      expect(new Set(taken.map((row) => row['flow_run_id'])).size).toBeGreaterThanOrEqual(runs.length);
      expect(past.gone('artifact', vacuumed)).toEqual(taken.map(({ id }) => id));
      expect(vacuumed.gone('artifact', past)).toEqual([]);
      // Results that are kept are artifacts of runs and of the task runs that stand for subflows.
      for (const table of ['flow_run_state', 'task_run_state']) {
        expect(vacuumed.rows(table).some((row) => row['result_artifact_id'] !== null)).toBe(true);
      }
    });

    test('a collection that lost its artifact is a copy of the newest that is left, or goes', () => {
      const { past, vacuumed } = comparison;
      const collections = vacuumed.rows('artifact_collection');
      expect(Object.fromEntries(collections.map((row) => [row['key'], row['flow_run_id']]))).toEqual({
        daily: past.run('daily-young').id,
        weekly: past.run('weekly-revived').id,
        'stale-moves': past.run('collector').id,
        'lost-lately': expect.any(String),
        background: null,
      });
      expect(vacuumed.gone('artifact_collection', past)).toEqual([]);
      const copies = collections.map(({ latest_id: id, ...copy }): ContentRow => ({
        ...copy,
        id: String(id),
      }));
      const latest = new Set(copies.map(({ id }) => id));
      expect(copies.toSorted(byId)).toEqual(vacuumed.rows('artifact').filter(({ id }) => latest.has(id)));
    });

    test('where the API deletes these artifacts too, both leave the same artifacts and collections', () => {
      const { vacuumed, byApiWithArtifacts } = comparison;
      expect(vacuumed.rows('artifact')).toEqual(byApiWithArtifacts.rows('artifact'));
      // The API repairs a collection only while it deletes the artifact: what was stale before stays so.
      const healthy = (contents: Contents): ContentRow[] =>
        contents.rows('artifact_collection').filter((row) => !String(row['key']).startsWith('stale-'));
      expect(healthy(vacuumed)).toEqual(healthy(byApiWithArtifacts));
    });

    test('it works on after our vacuum: it responds with what is left, and runs flows', async () => {
      const { past, vacuumed, database } = comparison;
      const { api, runFlows, stop } = await startPrefectServer(home, database.url, { services: true });
      try {
        const left = await api.flowRuns();
        expect(left.map(({ id }) => id).toSorted()).toEqual(vacuumed.ids('flow_run'));
        expect((await api.latestArtifact('weekly')).flow_run_id).toBe(past.run('weekly-revived').id);

        await runFlows('report', 'afterwards', 'weekly');
        const [run] = await api.flowRuns('afterwards');
        expect(run?.state_type).toBe('COMPLETED');
        expect((await api.latestArtifact('weekly')).flow_run_id).toBe(run?.id);
        expect(await api.logs(run?.id ?? '')).not.toEqual([]);
        await waitFor('the task run to be recorded', async () =>
          (await api.taskRuns('afterwards')).some(({ state_type: type }) => type === 'COMPLETED'),
        );
      } finally {
        await stop();
      }
    });
  });
});

function byId(a: ContentRow, b: ContentRow): number {
  return a.id < b.id ? -1 : 1;
}
