import type { MikroORM } from '@mikro-orm/core';
import { raw, RawQueryFragment } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';

import type { AnyEntity } from '../../policy/pass-options.ts';
import type { BoundValue, Predicate } from '../stored/columns.ts';
import { ALWAYS } from './bind-predicate.ts';
import { describeEntity } from './describe-entity.ts';
import type { EntityDescription, EntityReader } from './entity-reader.ts';
import { refuseMisread } from './refuse-misread.ts';

/** A filter as the ORM's driver writes it, with a value for each mark. */
export interface DriverFilter {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether the entity of an alias declares a column as an instant. */
  readonly isInstant: (alias: string, column: string) => boolean;
}

/** What the driver's text of a filter becomes, with values as JSON can store them. Throws for what the database does not have. */
type Translate = (filter: DriverFilter) => Pick<Predicate, 'text' | 'values'>;

/** Reads entities by MikroORM's metadata and its query builder; never connects. */
export class MikroEntities implements EntityReader {
  readonly #orm: MikroORM;
  readonly #quote: (identifier: string) => string;
  readonly #translate: Translate;

  /** `quote` writes an identifier as the ORM's driver does. */
  constructor(orm: MikroORM, quote: (identifier: string) => string, translate: Translate) {
    this.#orm = orm;
    this.#quote = quote;
    this.#translate = translate;
  }

  describe(entity: AnyEntity): EntityDescription {
    return describeEntity(this.#orm.getMetadata().get(entity as never), this.#defaultSchema);
  }

  list(): EntityDescription[] {
    // Without the tables that MikroORM makes up for many-to-many relations.
    const all = [...this.#orm.getMetadata().getAll().values()];
    return all
      .filter(({ pivotTable }) => pivotTable !== true)
      .map((metadata) => describeEntity(metadata, this.#defaultSchema));
  }

  widePredicate(entity: AnyEntity, filter: object): Predicate {
    const found = this.predicate(entity, filter);
    return { ...found, text: keepWithoutRelation(found.text) ?? found.text };
  }

  ownPredicate(entity: AnyEntity, filter: object): Predicate {
    const found = this.predicate(entity, filter);
    if (hasRaw(filter) || /\bselect\b/i.test(found.text)) {
      throw new Error('it reads more than columns of the row itself');
    }
    return found;
  }

  dropped(entity: AnyEntity, filter: object): Predicate | null {
    const found = this.predicate(entity, filter);
    const all = keepWithoutRelation(found.text);
    if (all === undefined) return null;
    const values = [...found.values, ...found.values];
    return { text: `${all} and not ${found.text}`, values, selects: true };
  }

  predicate(entity: AnyEntity, filter: object): Predicate {
    // Raw conditions are keys that are symbols.
    if (Reflect.ownKeys(filter).length === 0) return ALWAYS;
    assertNothingDropped(filter, '');
    refuseMisread(this.#orm.getMetadata().get(entity as never), filter);
    const em = this.#orm.em.fork() as unknown as SqlEntityManager;
    const built = em
      .createQueryBuilder(entity as never, 't')
      .select(raw('1'))
      .where(filter as never)
      .toQuery();
    const { schema, table } = this.describe(entity);
    // The query builder leaves the default schema out.
    const own = schema === this.#orm.driver.getPlatform().getDefaultSchemaName() ? undefined : schema;
    const from = [own, table].filter((part) => part !== undefined).map(this.#quote);
    const all = `select 1 from ${from.join('.')} as ${this.#quote('t')}`;
    const head = `${all} where `;
    if (built.sql === all) throw new Error('it comes to no condition at all, so every row would match');
    if (ALWAYS_TRUE.test(built.sql)) throw new Error('it is true of every row, so every row would match');
    if (built.sql.startsWith(head))
      return this.#toPredicate(table, built.sql.slice(head.length), built.params);
    // A filter over relations joins other tables. They are joined to the row at hand, and not to its table again: each
    // batch would list the keys that match in the whole table.
    if (!built.sql.startsWith(`${all} `)) throw new Error('its select cannot be turned into a condition');
    if (!built.sql.includes(' where '))
      throw new Error('it comes to no condition at all, so every row would match');
    // A column that raw SQL names without its table would be looked for among the joined ones first.
    if (hasRaw(filter)) throw new Error('raw SQL beside a filter over relations may mean the wrong table');
    return this.#toPredicate(
      table,
      `exists (select 1 from (select 1) as ${this.#quote('one')} ${built.sql.slice(all.length + 1)})`,
      built.params,
    );
  }

  #toPredicate(table: string, text: string, values: readonly unknown[]): Predicate {
    const isInstant = (alias: string, column: string): boolean => {
      const joined = text
        .split(` as ${this.#quote(alias)} on `)[0]
        ?.split(' ')
        .at(-1);
      const owner = alias === 't' ? this.#quote(table) : joined;
      return this.#declaresInstant(owner ?? '', column);
    };
    const translated = this.#translate({ text, values, isInstant });
    return { ...translated, selects: CALLS.test(text) || TELLS_TIME.test(text) };
  }

  /** Whether an entity of a table, as the driver writes it, declares a column as an instant. */
  #declaresInstant(table: string, column: string): boolean {
    return [...this.#orm.getMetadata().getAll().values()].some(
      ({ tableName, props }) =>
        this.#quote(tableName) === table &&
        props.some(
          ({ fieldNames, runtimeType }) =>
            (fieldNames as string[] | undefined)?.[0] === column && runtimeType === 'Date',
        ),
    );
  }

  get #defaultSchema(): string | undefined {
    const { em, config } = this.#orm;
    // Not the default schema of the driver, for which tables are found by the search path.
    return em.schema ?? config.getSchema(true);
  }
}

/**
 * MikroORM joins a relation that is not nullable by an inner join, which drops a row that has none, whatever else the filter
 * says. Returns the condition with rows that have none; undefined if there is no such join.
 */
function keepWithoutRelation(text: string): string | undefined {
  const kept = text.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\binner join\b/g, (token) =>
    token === 'inner join' ? 'left join' : token,
  );
  return kept === text ? undefined : kept;
}

/** A condition that is always true: `true`, `1 = 1`, and what MikroORM makes of the negation of nothing. */
const ALWAYS_TRUE = /\swhere\s+\(*\s*(?:true|(\d+)\s*=\s*\1|not\s*\(\s*(?:false|1\s*=\s*0)\s*\))\s*\)*$/i;

/** A select, or a call of a function, which may have one inside. */
const CALLS = /\bselect\b|\b(?!(?:in|any|all|and|or|not)\b)\w+\s*\(/i;
/** What has another value later, without a call: functions that are written like columns, and words for a time. */
const TELLS_TIME =
  /\b(?:current_(?:date|time|timestamp|user|role|schema|catalog)|localtime(?:stamp)?|session_user)\b|'\s*(?:now|today|tomorrow|yesterday)\s*'/i;

/** Empty, these mean "any row of the relation". */
const MAY_BE_EMPTY = /(?:^|\.)\$(?:some|none|every)$/;
/** An empty list of values matches nothing, an empty list of conditions is dropped. */
const CONDITIONS = /(?:^|\.)\$(?:and|or)$/;

/** MikroORM drops a condition whose value is undefined or empty; the filter would then match more than it says. */
function assertNothingDropped(value: unknown, path: string): void {
  if (value === undefined) throw new Error(`${path} is undefined`);
  const isEmpty = Array.isArray(value)
    ? value.length === 0 && CONDITIONS.test(path)
    : isPlain(value) && Reflect.ownKeys(value).length === 0 && !MAY_BE_EMPTY.test(path);
  if (isEmpty && path !== '') throw new Error(`${path} is empty`);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return;
  for (const key of Reflect.ownKeys(value)) {
    const inner = (value as Record<PropertyKey, unknown>)[key];
    assertNothingDropped(inner, path === '' ? String(key) : `${path}.${String(key)}`);
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether some of a filter is SQL that a person wrote. */
function hasRaw(value: unknown): boolean {
  if (value instanceof RawQueryFragment) return true;
  if (Array.isArray(value)) return value.some(hasRaw);
  if (!isPlain(value)) return false;
  return Reflect.ownKeys(value).some(
    (key) => typeof key === 'symbol' || hasRaw((value as Record<string, unknown>)[key]),
  );
}

/** A value of a filter as JSON can store it, if every dialect stores it alike. Throws for others. */
export function storeCommonValue(value: unknown): BoundValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return String(value);
  throw new Error(`a value of type ${Object.prototype.toString.call(value)} cannot be stored with a run`);
}
