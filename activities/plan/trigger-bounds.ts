import { listInner } from '../dialect/blockers.ts';
import { listSteps } from '../dialect/cascade-paths.ts';
import type { Catalog } from '../dialect/catalog.ts';
import { listTriggers } from '../dialect/kept-by-trigger.ts';
import { findKind } from '../passes/index.ts';
import { clearsReferences, forbidsDelete, listCleared } from '../resolve/cascades.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { PreviewBound } from '../stored/report.ts';
import { listFired, nameTrigger } from './fired-triggers.ts';

/**
 * Why the database may refuse to delete a row of a pass, or keep it, although all that can be asked before says that it can
 * go: only the delete tells. A preview counts such rows, and a part of what belongs to one must not be deleted before it.
 */
export function findTriggerBounds(stored: StoredPass, catalog: Catalog): PreviewBound[] {
  return [
    ...findKept(stored),
    ...findRefusing(stored, catalog),
    ...findCircles(stored),
    ...findCheckedRows(stored, catalog),
    ...findCleared(stored, catalog),
    ...findHidden(stored, catalog),
  ];
}

function findKept({ watched }: StoredPass): PreviewBound[] {
  const { writers = [], ...keeping } = watched ?? { triggers: [], links: [] };
  const kept = listTriggers(keeping);
  const keeps = 'triggers may keep rows, which only a delete tells';
  const writes = 'triggers delete rows besides, or write rows that it reads, which only a delete tells';
  return [
    ...(kept === '' ? [] : [{ rows: 'at most', why: keeps, here: kept } as const]),
    ...(writers.length === 0 ? [] : [{ rows: 'about', why: writes, here: writers.join(', ') } as const]),
  ];
}

/** Triggers that may raise an error: of what is deleted, and of what is updated since it references that. */
function findRefusing(stored: StoredPass, catalog: Catalog): PreviewBound[] {
  const names = listFired(stored, catalog).flatMap(([table, on]) =>
    (table.refusingTriggers ?? [])
      .filter((trigger) => trigger.on === on)
      .map(({ name }) => nameTrigger(name, table)),
  );
  if (names.length === 0) return [];
  return [
    {
      rows: 'at most',
      why: 'triggers may refuse rows with an error, which only a delete tells',
      here: [...new Set(names)].join(', '),
    },
  ];
}

/**
 * Rows that are deleted along with others of their own table, to any depth, and that a foreign key may forbid to delete: a
 * preview follows the foreign key one round only, and a batch goes as far as the database lets it.
 */
function findCircles(stored: StoredPass): PreviewBound[] {
  const { blockers = [] } = stored;
  const kind = findKind(stored.kind);
  const tree = 'runBatch' in kind && blockers.length > 0 ? kind.dependents?.(stored) : undefined;
  if (tree === undefined) return [];
  const { table, key = null, children = [] } = tree;
  const steps = listSteps({ cascades: tree.cascades, key, children }, (child) => child.cascades);
  const links = steps.map(({ from, table: child }) => [steps[from]?.table ?? table, child] as const);
  const below = (label: string, seen = new Set<string>()): Set<string> => {
    for (const [parent, child] of links) {
      if (parent.label !== label || seen.has(child.label)) continue;
      below(child.label, seen.add(child.label));
    }
    return seen;
  };
  const names = [...new Set(blockers.map(({ name }) => `constraint ${name}`))];
  const again = [...new Set(links.map(([parent]) => parent.label))].filter((label) =>
    below(label).has(label),
  );
  // A row that references goes along with any of several rows, and a preview counts on all of them.
  const several = blockers
    .filter(({ ways }) => ways.length > 1)
    .map(({ reference }) => reference.table.label);
  if (again.length + several.length === 0) return [];
  return [
    {
      rows: 'about',
      why: 'rows are deleted along with others in several ways or to any depth, and a foreign key forbids to delete some of them',
      here: `${[...new Set([...again, ...several])].map((label) => `table ${label}`).join(', ')}; ${names.join(', ')}`,
    },
  ];
}

/**
 * Rows of the pass that reference one another in a circle, or two that are deleted along with one row, if a key among them is
 * checked at each row: there is no order in which the database lets them go.
 */
function findCheckedRows({ blockers = [] }: StoredPass, catalog: Catalog): PreviewBound[] {
  const names = new Set(listInner({ blockers }).map(({ name }) => name));
  return catalog.foreignKeys
    .filter(({ name, checksEachRow }) => checksEachRow === true && names.has(name))
    .map(({ name }) => ({
      rows: 'at most',
      why: 'on delete restrict is checked row by row, which forbids to delete rows that reference one another in a circle',
      here: `constraint ${name}`,
    }));
}

const CHECKED =
  'references are set to null, which a constraint of their column may forbid: not null, or a check';

/** What a reference is set to must be allowed: a default must name a row that stays, and null may not be. */
function findCleared(stored: StoredPass, catalog: Catalog): PreviewBound[] {
  const deleted = new Set(stored.counted.map(({ label }) => label));
  const own = (stored.cleared ?? [])
    .filter(({ table, by }) => catalog.named(table)?.checked?.includes(by.name) === true)
    .map(({ table, by }) => ({
      rows: 'at most' as const,
      why: CHECKED,
      here: `column ${by.name} of table ${table.label}`,
    }));
  const byKeys = catalog.foreignKeys
    .filter(
      (key) => key.enforced && clearsReferences(key) && deleted.has(catalog.findLabel(key.parent) ?? ''),
    )
    .flatMap((key): PreviewBound[] => {
      const { name, child, onDelete } = key;
      const here = `constraint ${name} of table ${catalog.findLabel(child) ?? ''}`;
      if (onDelete === 'set default') {
        const why =
          'references are set to their default, which the database forbids if it names no row that stays';
        return [{ rows: 'at most', why, here }];
      }
      const { columns, checked = [] } = catalog.get(child);
      const isAsked = listCleared(key).some(
        (column) => columns.get(column)?.notNull === true || checked.includes(column),
      );
      if (!isAsked) return [];
      return [{ rows: 'at most', why: CHECKED, here }];
    });
  return [...own, ...byKeys];
}

/** Rows that reference what is deleted, and that the role may not see. */
function findHidden({ counted }: StoredPass, catalog: Catalog): PreviewBound[] {
  const deleted = new Set(counted.flatMap((name) => catalog.named(name)?.id ?? []));
  return catalog.foreignKeys
    .filter((key) => key.enforced && forbidsDelete(key) && deleted.has(key.parent) && catalog.has(key.child))
    .filter(({ child }) => !catalog.get(child).may.select || catalog.get(child).hidden)
    .map(({ name, child }) => ({
      rows: 'at most',
      why: 'rows that the role may not see forbid to delete what they reference',
      here: `constraint ${name} of table ${catalog.findLabel(child) ?? ''}`,
    }));
}
