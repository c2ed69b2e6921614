import type { Catalog } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { distinctTables, listFingerprinted } from '../dialect/table-names.ts';
import { findKind } from '../passes/index.ts';
import type { KnownTable, StoredPass } from '../stored/pass.ts';
import { joinReach } from './fired-triggers.ts';
import { findTriggerBounds } from './trigger-bounds.ts';
import { findWatched } from './watched-triggers.ts';

interface NamedPass {
  readonly pass: { readonly name: string };
  readonly stored: StoredPass;
}

/** The same for passes and for each partition that they work on. */
export async function addSchema<R extends NamedPass>(
  tx: Tx,
  passes: readonly R[],
  catalog: Catalog,
  known: readonly R[] | undefined,
): Promise<R[]> {
  const complete = await addSchemas(tx, passes.flatMap(withLeaves), catalog, known?.flatMap(withLeaves));
  const byName = new Map(complete.map(({ pass, stored }) => [pass.name, stored]));
  return passes.map((resolved) => {
    const [whole, ...leaves] = withLeaves(resolved).map(
      ({ pass, stored }) => byName.get(pass.name) ?? stored,
    );
    const stored = whole ?? resolved.stored;
    return { ...resolved, stored: stored.leaves === undefined ? stored : { ...stored, leaves } };
  });
}

/** A pass, and the same pass for each of its partitions, under a name that no pass has. */
function withLeaves(resolved: NamedPass): NamedPass[] {
  const { pass, stored } = resolved;
  return [
    resolved,
    ...(stored.leaves ?? []).map((leaf) => ({
      pass: { name: JSON.stringify([pass.name, leaf.table.schema, leaf.table.name]) },
      stored: leaf,
    })),
  ];
}

/**
 * Passes with what the catalog says of the tables from which they delete. `known` are the same passes as they were resolved
 * in the snapshot of the catalog, if that was another one.
 */
async function addSchemas(
  tx: Tx,
  passes: readonly NamedPass[],
  catalog: Catalog,
  known: readonly NamedPass[] | undefined,
): Promise<NamedPass[]> {
  const deleting = passes.map((resolved) => {
    const { stored } = resolved;
    if (stored.counted.length === 0) return resolved;
    const triggered = joinReach(stored, catalog);
    const found = { ...stored, known: listKnownTables(stored, catalog) };
    return { ...resolved, stored: { ...found, ...(triggered === undefined ? {} : { triggered }) } };
  });
  const fingerprints = known === undefined ? await readFingerprints(tx, deleting) : listKnown(known);
  return deleting.map((resolved) => {
    const { pass, stored } = resolved;
    const fingerprint = fingerprints.get(pass.name);
    const firesLate =
      stored.triggered?.firesLate === true ||
      stored.counted.some((name) => catalog.named(name)?.hasDeferredTriggers === true);
    const watched = findWatched(stored, catalog);
    const watching = { ...stored, ...(watched === undefined ? {} : { watched }) };
    // What a delete of all would have been refused must not be deleted in parts.
    const isUnforeseen = findTriggerBounds(watching, catalog).length > 0;
    return {
      ...resolved,
      stored: {
        ...watching,
        ...(fingerprint === undefined ? {} : { fingerprint }),
        ...(firesLate ? { firesLate } : {}),
        ...(isUnforeseen ? { undrained: true } : {}),
      },
    };
  });
}

/** The tables that are counted, and those whose rows decide or forbid what is deleted, or are updated. A partition may come and go. */
function listKnownTables(stored: StoredPass, catalog: Catalog): KnownTable[] {
  const evidence = findKind(stored.kind).evidence?.(stored) ?? [];
  const forbidding = (stored.blockers ?? []).map(({ reference }) => reference.table);
  const cleared = (stored.cleared ?? []).map(({ table }) => table);
  return distinctTables([...stored.counted, ...evidence, ...forbidding, ...cleared])
    .filter(({ partitionRoot, partitioned }) => partitionRoot === undefined && partitioned !== true)
    .flatMap((name) => {
      const table = catalog.named(name);
      if (table === undefined) return [];
      const columns = [...table.columns.values()].map((column) => [column.name, column.number] as const);
      return [{ table: name, id: table.id, columns: Object.fromEntries(columns) }];
    });
}

async function readFingerprints(tx: Tx, passes: readonly NamedPass[]): Promise<Map<string, string>> {
  const deleting = passes.filter(({ stored }) => stored.counted.length > 0);
  if (deleting.length === 0) return new Map();
  const fingerprints = await tx.facts.readFingerprints(
    deleting.map(({ stored }) => listFingerprinted(stored)),
  );
  return new Map(deleting.map(({ pass }, n) => [pass.name, fingerprints[n] ?? '']));
}

function listKnown(known: readonly NamedPass[]): Map<string, string> {
  return new Map(
    known.flatMap(({ pass, stored }) =>
      stored.fingerprint === undefined ? [] : [[pass.name, stored.fingerprint]],
    ),
  );
}
