import { MikroORM } from '@mikro-orm/postgresql';

import type { AnyEntity } from '../../../policy/pass.ts';
import { prefectPolicy } from '../vacuum.ts';

/** What an entity says of a column. */
export interface EntityColumn {
  readonly column: string;
  /** The types of the database that its values can be read from and compared with. */
  readonly fitting: readonly string[];
  readonly nullable: boolean;
}

const TEXT = ['character varying', 'text'];

/** Types of the database that fit a type of MikroORM, without its length. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  uuid: ['uuid'],
  varchar: TEXT,
  text: TEXT,
  timestamptz: ['timestamp with time zone'],
  smallint: ['smallint'],
  jsonb: ['json', 'jsonb'],
  state_type: ['state_type'],
};

/** The entities of the preset, by the name of their table. */
export function prefectEntities(): [string, readonly EntityColumn[]][] {
  const { entities } = prefectPolicy();
  const metadata = new MikroORM({ dbName: 'metadata-only', entities: [...entities] }).getMetadata();
  return entities.map((entity: AnyEntity) => {
    const { tableName, props } = metadata.get(entity as never);
    const columns = props.map(({ fieldNames, columnTypes, nativeEnumName, nullable }) => ({
      column: fieldNames.join(),
      fitting: FITTING[nativeEnumName ?? columnTypes.join().replace(/\(\d+\)$/, '')] ?? [],
      nullable: nullable === true,
    }));
    return [tableName, columns];
  });
}
