import { toTriggerSql } from './trigger-sql.ts';
import type { Edge, Graph, Row } from './world.ts';
import { DEFAULT_ID, listColumns } from './world.ts';

/** The statements that make and fill the tables of a graph, to be run one after the other. */
export function listStatements(graph: Graph, isSqlite: boolean): string[] {
  // What `vacuum` does cannot be a part of several statements.
  const vacuums = graph.isLoose ? graph.tables.map((_, table) => `vacuum t${table}`) : [];
  return [toSql(graph, isSqlite), ...vacuums];
}

/** The statements that make and fill the tables. */
function toSql(graph: Graph, isSqlite: boolean): string {
  const { edges, tables, hasTypes, isLoose } = graph;
  const moment = isSqlite ? 'text' : 'timestamptz';
  const integer = hasTypes ? 'ext."Number"' : 'integer';
  const at = (isOld: boolean): string =>
    isSqlite ? `datetime('now', '-${isOld ? 9 : 0} days')` : isOld ? `now() - interval '9 days'` : `now()`;
  const create = tables.map((_, table) => {
    const own = edges.filter(({ child }) => child === table);
    const columns = own.filter(isColumn).flatMap((edge) => {
      const ending = edge.action === 'set default' ? ` default ${DEFAULT_ID}` : '';
      return listColumns(edge).map((column) => `${column} integer${ending}`);
    });
    const keys = isSqlite ? own.map((edge) => foreignKey(edge)) : [];
    return `create table t${table} (${[
      `id ${integer} primary key, code ${integer} not null unique, at ${moment} not null, marked integer not null, owner integer`,
      ...columns,
      ...(isLoose ? [`pad char(1500) default ''`] : []),
      'unique (id, code)',
      ...keys,
    ].join(', ')})`;
  });
  const fill = tables.map((rows, table) => {
    const own = edges.filter(({ child }) => child === table);
    const values = rows.map((row) =>
      [
        row.id,
        row.code,
        at(row.isOld),
        row.isMarked ? 1 : 0,
        row.owner ?? 'null',
        ...own.filter(isColumn).flatMap((edge) => spell(graph, edge, row)),
      ].join(', '),
    );
    const insert = `insert into t${table} values ${values.map((value) => `(${value})`).join(', ')}`;
    if (!isLoose) return insert;
    return `insert into t${table} (id, code, at, marked) select n, n, now(), 0 from generate_series(101, 110) as n;
      ${insert}; delete from t${table} where id > 100`;
  });
  const alter = isSqlite ? [] : edges.map((edge) => `alter table t${edge.child} add ${foreignKey(edge)}`);
  const indexes = edges
    .filter(({ isIndexed }) => isIndexed)
    .map((edge) => `create index by_${edge.n} on t${edge.child} (${listColumns(edge).join(', ')})`);
  return [
    ...(isSqlite ? ['pragma foreign_keys = off'] : []),
    ...create,
    'create table said (id integer)',
    ...fill,
    ...alter,
    ...indexes,
    ...toTriggerSql(graph, isSqlite),
    isSqlite ? 'pragma foreign_keys = on' : 'analyze',
  ].join(';\n');
}

/** Whether a key has columns of its own. */
function isColumn({ isOwner }: Edge): boolean {
  return isOwner !== true;
}

function foreignKey(edge: Edge): string {
  const target = edge.by === 'both' ? 'id, code' : edge.by;
  return `foreign key (${listColumns(edge).join(', ')}) references t${edge.parent} (${target})
    on delete ${edge.action} ${edge.isDeferred ? 'deferrable initially deferred' : ''}`;
}

/** What the columns of a reference hold. A half of a pair alone references nothing. */
function spell({ tables }: Graph, { n, by, parent }: Edge, row: Row): (number | string)[] {
  const ref = row.refs.get(n) ?? null;
  const { code } = tables[parent]?.find(({ id }) => id === ref) ?? { code: null };
  if (by === 'both') return ref === null ? ['null', 1 + (row.id % 3)] : [ref, code ?? 'null'];
  return [(by === 'id' ? ref : code) ?? 'null'];
}
