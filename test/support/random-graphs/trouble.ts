import type { Random } from '../random-schemas/choose.ts';
import { chance, choose } from '../random-schemas/choose.ts';
import type { Graph } from './world.ts';
import { ACTIONS, listColumns, listReached } from './world.ts';

// What an application does to a graph besides: triggers that write its tables, and changes of the schema during a run.

/** A trigger that writes another row, by the code of the one that is deleted. */
export interface Writer {
  readonly on: number;
  readonly into: number;
  /** SQLite may write a row in place of another one, which it deletes without a word. */
  readonly does: 'delete' | 'insert' | 'update' | 'replace';
  /** Before the row is deleted, after it, or when the transaction ends. */
  readonly when: 'before' | 'after' | 'late';
  /** By itself, by what it calls, or by a trigger of a table that it writes. SQLite's triggers call nothing. */
  readonly by: 'itself' | 'call' | 'relay';
}

/** What happens after a batch. */
export interface Change {
  readonly afterBatch: number;
  readonly sql: string;
  /** What a trigger does from then on that the pass watches already. By anything else that is new no row goes: the run ends. */
  readonly writer?: Writer;
}

export interface Trouble {
  readonly writers: readonly Writer[];
  readonly change: Change | null;
}

export function makeTrouble(random: Random, graph: Graph, isSqlite: boolean): Trouble {
  const below = (limit: number): number => Math.floor(random() * limit);
  const makeWriter = (): Writer => ({
    on: below(graph.tables.length),
    into: below(graph.tables.length),
    does: choose<Writer['does']>(random, [
      ...(['delete', 'delete', 'insert', 'update'] as const),
      ...(isSqlite ? (['replace', 'replace'] as const) : []),
    ]),
    when: choose<Writer['when']>(random, ['before', 'after', isSqlite ? 'after' : 'late']),
    by: choose(random, ['itself', 'itself', 'call', 'relay'] as const),
  });
  const writers = Array.from({ length: below(3) }, makeWriter);
  if (writers.length > 0 && chance(random, 0.5)) return { writers, change: null };
  const table = below(graph.tables.length);
  const edge = choose(
    random,
    graph.edges.filter(({ isOwner }) => isOwner !== true),
  );
  const [column = ''] = listColumns(edge);
  const writer = makeWriter();
  const action = choose(random, ACTIONS);
  const changes: Omit<Change, 'afterBatch'>[] = [
    { sql: toWriter(writer, 'late', isSqlite) },
    { sql: toKeeper(table, isSqlite) },
    { sql: 'drop index if exists by_0; drop index if exists by_1' },
    { sql: `alter table t0 rename at to at_before` },
    { sql: `alter table t${edge.child} rename ${column} to ${column}_before` },
    { sql: `alter table t${table} rename to t9` },
    { sql: `alter table t${table} add note text` },
  ];
  // A trigger that does something else from now on.
  const [first] = writers;
  if (first?.by === 'itself') {
    const other: Writer = { ...first, does: 'delete', into: writer.into };
    const text = toWriter(other, 'writer0', isSqlite);
    changes.push(
      ...[1, 2, 3].map(() => ({
        sql: isSqlite ? `drop trigger writer0; ${text}` : (text.split(';\n')[0] ?? ''),
        ...(isWatched(graph, first) ? { writer: other } : {}),
      })),
    );
  }
  const target = edge.by === 'both' ? 'id, code' : edge.by;
  const more: Omit<Change, 'afterBatch'>[] = [
    {
      sql: `alter table t${edge.child} add constraint late foreign key (${listColumns(edge).join(', ')})
        references t${edge.parent} (${target}) on delete ${action}`,
    },
    { sql: `alter table t0 alter at type date` },
    { sql: `alter table t${edge.parent} disable trigger all` },
    {
      sql: `create rule late as on delete to t${table} do also delete from t${writer.into} where id = old.code`,
    },
    // Its rows lie where those of the table do.
    {
      sql: `create table heir () inherits (t${table}); insert into heir select * from t${table};
        create table heirs as select count(*)::int as rows from heir`,
    },
    ...(graph.edges.some(({ isOwner }) => isOwner === true)
      ? []
      : [{ sql: `alter table t${table} alter owner type text` }]),
    { sql: `alter table t${edge.child} drop constraint if exists t${edge.child}_${column}_fkey` },
    { sql: `alter table t${edge.child} alter ${column} type bigint` },
  ];
  const made = choose(random, isSqlite ? changes : [...changes, ...more, ...more]);
  return { writers, change: { ...made, afterBatch: 1 + below(3) } };
}

/** Whether a pass looks after each batch what a trigger did: what it does may change then, and nothing else ends the run. */
function isWatched({ kind, edges, hasSoftChild }: Graph, { does, into }: Writer): boolean {
  if (does === 'delete' || does === 'replace') return true;
  // Other kinds of passes read tables besides those that they delete from.
  return kind !== 'expireRows' || listReached(edges, hasSoftChild ? [0, 1] : [0]).has(into);
}

/** What triggers write whose own triggers write on. */
export const RELAYS = ['relay_writer0', 'relay_writer1', 'relay_late'];

/** Makes the triggers, and the table `gone` with each row that was deleted, by the number of its table. */
export function toTroubleSql({ tables }: Graph, { writers }: Trouble, isSqlite: boolean): string {
  const logs = tables.map((_, table) =>
    toTrigger(`log${table}`, 'after', table, `insert into gone values (${table}, old.id)`, isSqlite),
  );
  const made = writers.map((writer, n) => toWriter(writer, `writer${n}`, isSqlite));
  return [
    'create table gone (tab integer, id integer)',
    ...RELAYS.map((relay) => `create table ${relay} (id integer, code integer)`),
    ...logs,
    ...made,
  ].join(';\n');
}

function toWriter({ on, into, does, when, by }: Writer, name: string, isSqlite: boolean): string {
  const now = isSqlite ? `datetime('now')` : 'now()';
  const write = (row: string, id: string, code: string): string => {
    const own = `${row}${id} + ${1000 * (on + 1)}`;
    return {
      delete: `delete from t${into} where id = ${row}${code}`,
      update: `update t${into} set at = ${now} where id = ${row}${code}`,
      replace: `insert or replace into t${into} (id, code, at, marked) values (${own}, ${row}${code}, ${now}, 0)`,
      insert: `insert into t${into} (id, code, at, marked) values (${own}, ${own}, ${now}, 0) on conflict do nothing`,
    }[does];
  };
  if (by === 'itself' || (by === 'call' && isSqlite))
    return toTrigger(name, when, on, write('old.', 'id', 'code'), isSqlite);
  if (by === 'call') {
    const called = write('', '$1', '$2');
    return `create or replace function ${name}_called(integer, integer) returns void language sql as '${called}';
      ${toTrigger(name, when, on, `perform ${name}_called(old.id, old.code)`, isSqlite)}`;
  }
  const relay = `relay_${name}`;
  const relayed = toTrigger(
    `${name}_relayed`,
    'after',
    relay,
    write('new.', 'id', 'code'),
    isSqlite,
    'insert',
  );
  return `${relayed};\n${toTrigger(name, when, on, `insert into ${relay} values (old.id, old.code)`, isSqlite)}`;
}

function toKeeper(table: number, isSqlite: boolean): string {
  if (isSqlite)
    return `create trigger late before delete on t${table} when old.marked = 1 begin select raise(ignore); end`;
  return `create or replace function late() returns trigger language plpgsql as
      'begin if old.marked = 1 then return null; end if; return old; end';
    create trigger late before delete on t${table} for each row execute function late()`;
}

function toTrigger(
  name: string,
  when: Writer['when'],
  on: number | string,
  statement: string,
  isSqlite: boolean,
  event: 'delete' | 'insert' = 'delete',
): string {
  const table = typeof on === 'string' ? on : `t${on}`;
  if (isSqlite) return `create trigger ${name} ${when} ${event} on ${table} begin ${statement}; end`;
  const row = event === 'delete' ? 'old' : 'new';
  const [kind, moment, deferred] =
    when === 'late'
      ? ['constraint trigger', 'after', 'deferrable initially deferred']
      : ['trigger', when, ''];
  return `create or replace function ${name}() returns trigger language plpgsql as
      'begin ${statement}; return ${row}; end';
    create ${kind} ${name} ${moment} ${event} on ${table} ${deferred} for each row execute function ${name}()`;
}
