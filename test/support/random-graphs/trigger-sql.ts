import type { Trigger } from './triggers.ts';
import type { Graph } from './world.ts';
import { listColumns } from './world.ts';

/** The statements that make the triggers and rules of a graph. */
export function toTriggerSql(graph: Graph, isSqlite: boolean): string[] {
  return graph.triggers.flatMap((trigger, table) =>
    isSqlite ? toSqlite(trigger, table) : toPostgres(trigger, table, graph),
  );
}

function toPostgres(trigger: Trigger, table: number, { edges }: Graph): string[] {
  const onDelete = (when: 'before' | 'after', body: string): string[] => make(when, 'delete', body);
  const make = (when: 'before' | 'after', event: 'delete' | 'update', body: string): string[] => [
    `create or replace function act${table}() returns trigger language plpgsql as 'begin ${body} end'`,
    `create trigger g${table} ${when} ${event} on t${table} for each row execute function act${table}()`,
  ];
  const keep = 'if old.marked = 1 then return null; end if; return old;';
  switch (trigger) {
    case 'none':
      return [];
    case 'rule':
      return [`create rule r${table} as on delete to t${table} do also insert into said values (1)`];
    case 'update rule':
      return [`create rule r${table} as on update to t${table} do also insert into said values (1)`];
    case 'all off':
      return [`alter table t${table} disable trigger all`];
    case 'writes':
      return onDelete('after', 'insert into said values (old.id); return null;');
    case 'keeps marked':
      return onDelete('before', keep);
    case 'disabled':
      return [...onDelete('before', keep), `alter table t${table} disable trigger g${table}`];
    case 'refuses marked':
      return onDelete('before', `if old.marked = 1 then raise exception ''marked''; end if; return old;`);
    case 'keeps references': {
      const columns = edges.filter(({ child }) => child === table).flatMap(listColumns);
      const rewrite = columns.map((column) => `new.${column} := old.${column};`).join(' ');
      return make('before', 'update', `if old.marked = 1 then ${rewrite || 'null;'} end if; return new;`);
    }
  }
}

function toSqlite(trigger: Trigger, table: number): string[] {
  const make = (when: string, event: string, body: string): string[] => [
    `create trigger g${table} ${when} ${event} on t${table} begin ${body}; end`,
  ];
  const before = (event: string, what: string): string[] =>
    make('before', event, `select ${what} where old.marked = 1`);
  switch (trigger) {
    case 'writes':
      return make('after', 'delete', 'insert into said values (old.id)');
    case 'keeps marked':
      return before('delete', 'raise(ignore)');
    case 'refuses marked':
      return before('delete', `raise(abort, 'marked')`);
    case 'keeps references':
      return before('update', 'raise(ignore)');
    case 'none':
    case 'disabled':
    case 'rule':
    case 'update rule':
    case 'all off':
      return [];
  }
}
