import type { Catalog, CatalogTable, ForeignKey } from '../../dialect/catalog.ts';
import type { ColumnValues, SurveyedTable } from '../../dialect/survey.ts';
import { splitWords } from './words.ts';

/** A table, with all that a proposal is made of. */
export interface KnownTable {
  readonly size: SurveyedTable;
  readonly catalog: CatalogTable;
  /** By the last analyze, or counted up to 100,000 if there was none. */
  readonly rows: number;
  /** What is known of the values of its columns, by name. */
  readonly values: ReadonlyMap<string, ColumnValues>;
}

/** All tables of a database. Each table asks for some others, so that they are found by maps: a database may have thousands. */
export class KnownDatabase {
  readonly tables: readonly KnownTable[];
  readonly catalog: Catalog;
  readonly #byId: ReadonlyMap<string, KnownTable>;
  readonly #keysTo: ReadonlyMap<string, readonly ForeignKey[]>;
  readonly #keysIn: ReadonlyMap<string, readonly ForeignKey[]>;
  readonly #byWords = new Map<string, KnownTable[]>();

  constructor(tables: readonly KnownTable[], catalog: Catalog) {
    this.tables = tables;
    this.catalog = catalog;
    this.#byId = new Map(tables.map((table) => [table.catalog.id, table]));
    this.#keysTo = Map.groupBy(catalog.foreignKeys, ({ parent }) => parent);
    this.#keysIn = Map.groupBy(catalog.foreignKeys, ({ child }) => child);
    for (const table of tables) {
      const words = splitWords(table.catalog.name);
      for (const n of words.keys()) {
        const name = words.slice(n).join(' ');
        this.#byWords.set(name, [...(this.#byWords.get(name) ?? []), table]);
      }
    }
  }

  find(id: string): KnownTable | undefined {
    return this.#byId.get(id);
  }

  /** The foreign keys that reference rows of a table. */
  listKeysTo({ catalog: { id } }: KnownTable): readonly ForeignKey[] {
    return this.#keysTo.get(id) ?? [];
  }

  /** The foreign keys of a table. */
  listKeysIn({ catalog: { id } }: KnownTable): readonly ForeignKey[] {
    return this.#keysIn.get(id) ?? [];
  }

  /** The tables whose names end with these words. */
  listNamed(words: readonly string[]): readonly KnownTable[] {
    return this.#byWords.get(words.join(' ')) ?? [];
  }
}
