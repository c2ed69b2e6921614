import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { RawQueryFragment } from '@mikro-orm/core';
import { MikroORM, raw } from '@mikro-orm/postgresql';

import type { SoftChild } from '../../policy/expire-rows.ts';
import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { AnyEntity, Pass } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import { isRetentionColumn } from '../../policy/retention-column.ts';
import type { TableName } from '../sql/names.ts';
import { quoteIdentifier } from '../sql/names.ts';
import type { BoundValue, Predicate } from '../sql/predicate.ts';
import { ALWAYS } from '../sql/predicate.ts';
import { sayUnreadable } from './say-unreadable.ts';

/** What MikroORM's metadata says of the entities of a policy; never connects. */
export class PolicyEntities {
  readonly #orm: MikroORM;

  /** Throws a `ValidationError` where MikroORM cannot read the entities. */
  constructor(policy: Policy) {
    try {
      this.#orm = new MikroORM({
        dbName: 'metadata-only',
        entities: [...new Set([...policy.entities, ...policy.passes.flatMap(entitiesOf)])],
        discovery: { warnWhenNoEntities: false },
      });
    } catch (error) {
      const here = error instanceof Error ? error.message : String(error);
      const at = `policy ${JSON.stringify(policy.name)}`;
      assertValid(at, [{ at, what: 'MikroORM cannot read its entities', fix: 'Mend the entities', here }]);
      throw error;
    }
  }

  /** How a person calls an entity. */
  name(entity: AnyEntity): string {
    return this.#metadata(entity).className;
  }

  /** The entity that a person calls so; undefined where there is none. */
  find(name: string): AnyEntity | undefined {
    return this.#all().find(({ className }) => className === name)?.class;
  }

  /** How a person calls the entities, in the order of the alphabet. */
  names(): string[] {
    return this.#all()
      .map(({ className }) => className)
      .toSorted();
  }

  /** The name of the entity of a table; undefined if no entity names the table. */
  nameOfTable({ schema, name }: TableName): string | undefined {
    return this.#all().find(({ class: entity }) => {
      const table = this.table(entity);
      return table.name === name && (table.schema === undefined || table.schema === schema);
    })?.className;
  }

  /** The table that an entity names, and its schema where it names one. */
  table(entity: AnyEntity): { schema: string | undefined; name: string } {
    const { schema, tableName } = this.#metadata(entity);
    // '*' is MikroORM's mark for a schema that is chosen at run time.
    return { schema: schema === '*' ? undefined : schema, name: tableName };
  }

  /** Whether the entity is one of several in its table, told apart by a column: it means only some of the rows. */
  isPartOfTable(entity: AnyEntity): boolean {
    const { root, discriminatorValue } = this.#metadata(entity);
    return discriminatorValue !== undefined && root.className !== this.name(entity);
  }

  /** The column of a property; undefined where there is no such property or it has not exactly one column. */
  column(entity: AnyEntity, property: string): string | undefined {
    const found = this.#property(entity, property);
    return found?.fieldNames.length === 1 ? found.fieldNames[0] : undefined;
  }

  /** The names of the properties that have a column, for messages. */
  properties(entity: AnyEntity): string[] {
    return this.#metadata(entity)
      .props.filter((property) => property.fieldNames.length === 1)
      .map((property) => property.name);
  }

  /** A filter as a condition over alias `t`. Reports what MikroORM cannot read. */
  predicate(entity: AnyEntity, filter: object, at: string, option: string, mistakes: Issue[]): Predicate {
    // Raw conditions are keys that are symbols.
    if (Reflect.ownKeys(filter).length === 0) return ALWAYS;
    try {
      return this.#predicate(entity, filter);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      mistakes.push({ at, ...sayUnreadable(option, said, this.name(entity), this.properties(entity)) });
      return ALWAYS;
    }
  }

  #predicate(entity: AnyEntity, filter: object): Predicate {
    refuseDropped(filter, '');
    const em = this.#orm.em.fork();
    const built = em
      .createQueryBuilder(entity as never, 't')
      .select(raw('1'))
      .where(filter as never)
      .toQuery();
    const { schema, name } = this.table(entity);
    const from = [schema, name].filter((part) => part !== undefined).map(quoteIdentifier);
    const all = `select 1 from ${from.join('.')} as "t"`;
    const head = `${all} where `;
    if (built.sql === all) throw new Error('it comes to no condition at all, so every row would match');
    const values = built.params.map(freeze);
    if (ALWAYS_TRUE.test(built.sql)) throw new Error('it is true of every row, so every row would match');
    if (built.sql.startsWith(head)) return predicateOf(built.sql.slice(head.length), values);
    // A filter over relations joins other tables. They are joined to the row that is looked at, and not to its table
    // again: a list of the keys that match would be made from the whole table in each batch.
    if (!built.sql.startsWith(`${all} `)) throw new Error('its select cannot be turned into a condition');
    if (!built.sql.includes(' where '))
      throw new Error('it comes to no condition at all, so every row would match');
    // A column that raw SQL names without its table would be looked for among the joined ones first.
    if (hasRaw(filter)) throw new Error('raw SQL beside a filter over relations may mean the wrong table');
    return predicateOf(
      `exists (select 1 from (select 1) as "one" ${built.sql.slice(all.length + 1)})`,
      values,
    );
  }

  /** Without the tables that MikroORM makes up for many-to-many relations. */
  #all(): EntityMetadata[] {
    return [...this.#orm.getMetadata().getAll().values()].filter(({ pivotTable }) => pivotTable !== true);
  }

  #metadata(entity: AnyEntity): EntityMetadata {
    return this.#orm.getMetadata().get(entity as never);
  }

  #property(entity: AnyEntity, property: string): EntityProperty | undefined {
    const properties = this.#metadata(entity).properties as Record<string, EntityProperty | undefined>;
    return Object.hasOwn(properties, property) ? properties[property] : undefined;
  }
}

/** A condition that says nothing: `true`, `1 = 1`, and what MikroORM makes of the negation of nothing. */
const ALWAYS_TRUE = /\swhere\s+\(*\s*(?:true|(\d+)\s*=\s*\1|not\s*\(\s*(?:false|1\s*=\s*0)\s*\))\s*\)*$/i;

/** A select, or a call of a function, which may have one inside. */
const CALLS = /\bselect\b|\b(?!(?:in|any|all|and|or|not)\b)\w+\s*\(/i;
/** What comes out otherwise later, without a call: functions that are written like columns, and words for a time. */
const TELLS_TIME =
  /\b(?:current_(?:date|time|timestamp|user|role|schema|catalog)|localtime(?:stamp)?|session_user)\b|'\s*(?:now|today|tomorrow|yesterday)\s*'/i;

function predicateOf(text: string, values: readonly BoundValue[]): Predicate {
  return { text, values, selects: CALLS.test(text) || TELLS_TIME.test(text) };
}

/** Every entity that a pass names. */
export function entitiesOf(pass: Pass): AnyEntity[] {
  switch (pass.kind) {
    case 'expireRows':
      return [
        pass.entity,
        ...pass.with.flatMap(entitiesOfChild),
        ...[pass, ...pass.overrides].flatMap(({ olderThan }) =>
          isRetentionColumn(olderThan) && olderThan.parent !== undefined ? [olderThan.parent] : [],
        ),
        ...pass.files.flatMap((root) => root.recordedBy.map(({ entity }) => entity)),
      ];
    case 'deleteOrphans':
      return [
        pass.entity,
        pass.parent,
        ...pass.repoint.flatMap((pointer) => [pointer.holder, pointer.target]),
      ];
    case 'deleteUnreferenced':
      return [pass.entity, ...pass.ignore, ...pass.references.map(({ entity }) => entity)];
    case 'deleteRecordedFiles':
    case 'sweepStrayFiles':
      return pass.root.recordedBy.map(({ entity }) => entity);
    case 'measureSize':
    case 'reclaimSpace':
      return [...(pass.entities ?? [])];
    case 'repointLatest':
      return [pass.pointer.holder, pass.pointer.target];
    case 'reportRows':
      return [pass.entity];
  }
}

function entitiesOfChild({ entity, repoint, with: own }: SoftChild): AnyEntity[] {
  return [
    entity,
    ...repoint.flatMap((pointer) => [pointer.holder, pointer.target]),
    ...own.flatMap(entitiesOfChild),
  ];
}

/** Where nothing inside means "any row of the relation". */
const MAY_BE_EMPTY = /(?:^|\.)\$(?:some|none|every)$/;
/** An empty list of values matches nothing, an empty list of conditions is dropped. */
const CONDITIONS = /(?:^|\.)\$(?:and|or)$/;

/** MikroORM drops a condition whose value is undefined or empty; the filter would then match more than it says. */
function refuseDropped(value: unknown, path: string): void {
  if (value === undefined) throw new Error(`${path} is undefined`);
  const isEmpty = Array.isArray(value)
    ? value.length === 0 && CONDITIONS.test(path)
    : isPlain(value) && Reflect.ownKeys(value).length === 0 && !MAY_BE_EMPTY.test(path);
  if (isEmpty && path !== '') throw new Error(`${path} is empty`);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return;
  for (const key of Reflect.ownKeys(value)) {
    const inner = (value as Record<PropertyKey, unknown>)[key];
    refuseDropped(inner, path === '' ? String(key) : `${path}.${String(key)}`);
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

/** A value as JSON can keep it and PostgreSQL reads it in the same place. */
function freeze(value: unknown): BoundValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(freeze);
  throw new Error(`a value of type ${Object.prototype.toString.call(value)} cannot be kept with a run`);
}
