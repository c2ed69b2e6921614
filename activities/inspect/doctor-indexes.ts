import { countNouns } from '../../policy/count-nouns.ts';
import type { Advice } from '../dialect/advice.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import { findKind } from '../passes/index.ts';
import type { WantedIndex as WantedByPass } from '../passes/pass.ts';
import type { ResolvedPass } from '../plan/resolved-pass.ts';
import { hasIndexOn } from '../resolve/scan-choice.ts';
import type { Finding } from './finding.ts';

/** A column of a table that should have an index, and why. */
interface WantedIndex extends Pick<WantedByPass, 'column' | 'why' | 'served'> {
  readonly table: CatalogTable;
}

/** Indexes on the columns that passes scan and look up by, and on foreign keys that their deletes follow. */
export function examineIndexes(passes: readonly ResolvedPass[], catalog: Catalog, advice: Advice): Finding[] {
  const wanted = [
    ...passes.flatMap((pass) => listWantedByPass(pass, catalog)),
    ...passes.flatMap((pass) => listWantedByForeignKeys(pass, catalog)),
  ];
  const columns = new Map(
    wanted.toReversed().map((index) => [`${index.table.label}.${index.column}`, index]),
  );
  const findings = wanted
    .filter((index) => columns.get(`${index.table.label}.${index.column}`) === index)
    .flatMap((index) => examineIndex(index, advice));
  if (findings.some(({ state }) => state !== 'ok')) return findings;
  const what = `none is missing: passes scan or look up by ${countNouns(columns.size, 'column')}`;
  return [...findings, { about: 'indexes', state: 'ok', what }];
}

function examineIndex({ table, column, why, served }: WantedIndex, advice: Advice): Finding[] {
  const found = table.columns.get(column);
  if (found !== undefined && hasIndexOn(table, found)) return [];
  const about = `index on ${table.label}.${column}`;
  if (served !== undefined) {
    const what = `partial index ${served.name} has all rows that its passes delete`;
    return [{ about, state: 'ok', what }];
  }
  const invalid = table.indexes.find((index) => index.leading === column && !index.valid);
  if (invalid !== undefined) {
    const what = `index ${invalid.name} is invalid, as after a build that was interrupted; ${why}`;
    return [{ about, state: 'advice', what, fix: advice.suggestRebuild(invalid.name) }];
  }
  return [{ about, state: 'advice', what: `there is none; ${why}`, fix: advice.suggestIndex(table, column) }];
}

function listWantedByPass({ pass, stored }: ResolvedPass, catalog: Catalog): WantedIndex[] {
  const wanted = findKind(pass.kind).wantedIndexes(stored);
  return wanted.flatMap(({ table: name, column, why, served }) => {
    const table = catalog.named(name);
    return table === undefined ? [] : [{ table, column, why: `pass ${pass.name} ${why}`, served }];
  });
}

/** A delete looks for children by every foreign key that references the row, whatever it then does to them. */
function listWantedByForeignKeys({ pass, stored }: ResolvedPass, catalog: Catalog): WantedIndex[] {
  const deletedFrom = new Set(stored.counted.map((table) => catalog.named(table)?.id));
  return catalog.foreignKeys.flatMap((key) => {
    if (!deletedFrom.has(key.parent) || !catalog.has(key.child)) return [];
    const why = `foreign key ${key.name} makes each row that pass ${pass.name} deletes read the whole table`;
    return [{ table: catalog.get(key.child), column: key.childColumns[0] ?? '', why }];
  });
}
