/** A row of the model: its columns as the tables name them, ages in milliseconds since the epoch. */
export type Row = Readonly<Record<string, string | number | null>> & { readonly id: number };

/** The columns of each table of the model. */
export const COLUMNS = {
  owner: ['id', 'kind'],
  item: ['id', 'owner_id', 'grp', 'state', 'days', 'at', 'ended'],
  child: ['id', 'item_id', 'at'],
  grandchild: ['id', 'child_id'],
  note: ['id', 'item_id', 'grp', 'at'],
  latest: ['id', 'grp', 'note_id'],
  tag: ['id', 'at'],
  tagging: ['id', 'tag_id'],
} as const;

export type TableOfWorld = keyof typeof COLUMNS;
export const TABLES_OF_WORLD = Object.keys(COLUMNS) as TableOfWorld[];
export const AGES: readonly string[] = ['at', 'ended'];

/** So many days that nothing is older. */
export const FOR_EVER = 100_000;

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Rows of all tables, in memory. */
export class World {
  readonly now: number;
  readonly #tables = new Map<TableOfWorld, Map<number, Row>>();

  constructor(now: number, rows: ReadonlyMap<TableOfWorld, readonly Row[]>) {
    this.now = now;
    for (const table of TABLES_OF_WORLD) {
      this.#tables.set(table, new Map((rows.get(table) ?? []).map((row) => [row.id, row])));
    }
  }

  copy(): World {
    return new World(this.now, new Map(TABLES_OF_WORLD.map((table) => [table, this.rows(table)])));
  }

  rows(table: TableOfWorld): Row[] {
    return [...(this.#tables.get(table)?.values() ?? [])];
  }

  find(table: TableOfWorld, id: unknown): Row | undefined {
    return this.#tables.get(table)?.get(Number(id ?? -1));
  }

  set(table: TableOfWorld, row: Row): void {
    this.#tables.get(table)?.set(row.id, row);
  }

  /** Deletes rows with what cascades from them. */
  delete(table: TableOfWorld, ids: ReadonlySet<number>): void {
    for (const id of ids) this.#tables.get(table)?.delete(id);
    if (table === 'item') this.deleteWhere('child', (row) => ids.has(Number(row['item_id'] ?? -1)));
    if (table === 'child') this.deleteWhere('grandchild', (row) => ids.has(Number(row['child_id'] ?? -1)));
  }

  deleteWhere(table: TableOfWorld, which: (row: Row) => boolean): void {
    const ids = new Set(
      this.rows(table)
        .filter(which)
        .map(({ id }) => id),
    );
    if (ids.size > 0) this.delete(table, ids);
  }
}

/** The first age of a row that is not null. */
export function findAge(row: Row, ages: readonly string[]): number | null {
  const found = ages.map((age) => row[age]).find((age) => age !== null && age !== undefined);
  return found === undefined ? null : Number(found);
}

/** The newest row of each group: null is the oldest age, ties go to the larger key. */
export class NewestSurvivors {
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  find(group: unknown): Row | undefined {
    const ageIn = (row: Row): number => findAge(row, ['at']) ?? Number.NEGATIVE_INFINITY;
    return this.#rows
      .filter((row) => row['grp'] === group)
      .toSorted((a, b) => ageIn(b) - ageIn(a) || b.id - a.id)[0];
  }
}

/**
 * A note of a group, or one that is not there. A pointer at a note of another group is mended only if a batch deletes a note of its
 * own group afterwards: the batches of a run decide, which the model does not know.
 */
function findPointed(notes: readonly Row[], grp: number | null, nth: number): number {
  const own = notes.filter((note) => note['grp'] === grp);
  return own[nth % (2 * own.length)]?.id ?? notes.length + 1 + nth;
}

/** Makes a world by random numbers: with rows just inside and just outside of every horizon. */
export function makeWorld(random: () => number, now: number, items: number): World {
  const below = (limit: number): number => Math.floor(random() * limit);
  const orNull = <T>(value: T): T | null => (random() < 0.15 ? null : value);
  const age = (): number => {
    const hours = [24, 48, 100, 240][below(4)] ?? 24;
    const offset = random() < 0.5 ? (random() < 0.5 ? -5 : 5) * MINUTE : (below(400) - 200) * HOUR;
    // Whole seconds, which all forms of a date can say.
    return Math.floor((now - hours * HOUR + offset) / 1000) * 1000;
  };
  const make = (count: number, row: (id: number) => Omit<Row, 'id'>): Row[] =>
    Array.from({ length: count }, (_, n) => ({ ...row(n + 1), id: n + 1 }));
  const notes = make(items, () => ({
    item_id: orNull(1 + below(2 * items)),
    grp: orNull(below(4)),
    at: orNull(age()),
  }));
  return new World(
    now,
    new Map<TableOfWorld, Row[]>([
      ['owner', make(5, (id) => ({ kind: id % 2 === 0 ? 'a' : 'b' }))],
      [
        'item',
        make(items, () => ({
          owner_id: orNull(1 + below(7)),
          grp: orNull(below(4)),
          state: ['open', 'done', 'Done', 'lost'][below(4)] ?? 'open',
          days: orNull([0, 1, 2, 10, FOR_EVER][below(5)] ?? 1),
          at: orNull(age()),
          ended: random() < 0.5 ? null : age(),
        })),
      ],
      ['child', make(items, () => ({ item_id: orNull(1 + below(items)), at: orNull(age()) }))],
      ['grandchild', make(items, () => ({ child_id: orNull(1 + below(items)) }))],
      ['note', notes],
      [
        'latest',
        make(5, (id) => {
          const grp = id === 5 ? null : id - 1;
          return { grp, note_id: orNull(findPointed(notes, grp, below(2 * items))) };
        }),
      ],
      ['tag', make(30, () => ({ at: orNull(age()) }))],
      ['tagging', make(20, () => ({ tag_id: orNull(1 + below(40)) }))],
    ]),
  );
}
