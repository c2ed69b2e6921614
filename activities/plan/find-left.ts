import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Catalog } from '../dialect/catalog.ts';
import { findKind } from '../passes/index.ts';
import type { PolicyEntities } from '../resolve/entities.ts';
import type { SoftDependent } from '../resolve/soft-dependents.ts';
import type { TableName } from '../stored/columns.ts';
import type { ResolvedPass } from './resolved-pass.ts';

/** What a pass leaves behind of rows that it deletes, although another pass deletes or repairs it with them. */
export interface LeftDependent {
  /** The pass that leaves it. */
  readonly pass: string;
  /** As the end of a sentence about the pass. */
  readonly what: string;
  readonly fix: string;
}

/**
 * Finds what some passes leave behind: soft children, pointers and files of rows that they delete, mostly by a cascade, and
 * that another pass of the policy takes care of when it deletes such a row itself. What a pass names goes along with the rows
 * of that pass only. Nothing is reported if the policy has a pass that finds later what was left.
 */
export function findLeft(
  policy: Policy,
  passes: readonly ResolvedPass[],
  catalog: Catalog,
  entities: PolicyEntities,
): LeftDependent[] {
  const toKey = ({ entity, to }: SoftDependent): string =>
    JSON.stringify([entities.table(entity), toTarget(to, entities)]);
  const known = policy.passes.map((pass) => ({
    pass,
    softDependents: findKind(pass.kind).softDependents?.(pass) ?? [],
  }));
  const repaired = new Set(
    policy.passes.flatMap((pass) => findKind(pass.kind).repairs?.(pass) ?? []).map(toKey),
  );
  return passes.flatMap(({ pass, stored }) => {
    const own = new Set(known.find((one) => one.pass === pass)?.softDependents.map(toKey));
    const left = new Map<string, LeftDependent>();
    for (const other of known) {
      for (const dependent of other.softDependents) {
        const key = toKey(dependent);
        if (!stored.counted.some((table) => isTableOf(dependent.entity, table, entities))) continue;
        if (own.has(key) || repaired.has(key) || left.has(key)) continue;
        if (hasForeignKey(dependent, catalog, entities)) continue;
        left.set(key, describe(dependent, pass.name, other.pass.name, entities));
      }
    }
    return [...left.values()];
  });
}

function toTarget(to: SoftDependent['to'], entities: PolicyEntities): unknown[] {
  if ('child' in to) return ['rows', entities.table(to.child), entities.column(to.child, to.by)];
  if ('root' in to) return ['files', to.root];
  const { holder, pointer } = to.pointer;
  return ['pointer', entities.table(holder), entities.column(holder, pointer)];
}

/** Whether the database takes care of it: it deletes the child, keeps its row, or cuts the reference. */
function hasForeignKey({ entity, to }: SoftDependent, catalog: Catalog, entities: PolicyEntities): boolean {
  if ('root' in to) return false;
  const [from, property] =
    'child' in to ? [to.child, to.by] : ([to.pointer.holder, to.pointer.pointer] as const);
  const column = entities.column(from, property) ?? '';
  return catalog.foreignKeys.some(
    ({ child, parent, childColumns }) =>
      childColumns.includes(column) &&
      catalog.has(child) &&
      catalog.has(parent) &&
      isTableOf(from, catalog.get(child), entities) &&
      isTableOf(entity, catalog.get(parent), entities),
  );
}

/** Whether a table is that of an entity, which may leave its schema to the search path. */
function isTableOf(
  entity: AnyEntity,
  table: Pick<TableName, 'schema' | 'name'>,
  entities: PolicyEntities,
): boolean {
  const { schema, name } = entities.table(entity);
  return table.name === name && (schema === undefined || table.schema === schema);
}

function describe(
  { entity, to }: SoftDependent,
  pass: string,
  other: string,
  entities: PolicyEntities,
): LeftDependent {
  const parent = entities.name(entity);
  const also = `pass ${other} names them`;
  if ('child' in to) {
    const child = entities.name(to.child);
    const what = `it deletes rows of ${parent} and leaves the rows of ${child} that name them by ${to.by}: ${also} as soft children`;
    const fix = `Name ${child} as a softChild of ${parent} in this pass as well, or add a deleteOrphans pass of ${child} by ${to.by}`;
    return { pass, what, fix };
  }
  if ('root' in to) {
    const what = `it deletes rows of ${parent} and leaves their files below root ${to.root}: ${also}`;
    return {
      pass,
      what,
      fix: `Name ${parent} and the root in this pass as well, or add a sweepStrayFiles pass`,
    };
  }
  const holder = `${entities.name(to.pointer.holder)}.${to.pointer.pointer}`;
  const what = `it deletes rows of ${parent} and leaves ${holder} pointing at them: pass ${other} repairs it`;
  return { pass, what, fix: `Name the pointer in this pass as well, or add a repointLatest pass` };
}
