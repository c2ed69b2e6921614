import type { EntityKey, EntityName } from '@mikro-orm/core';
import { z } from 'zod';

import type { FileStore } from './file-store.ts';
import { nameFor } from './name.ts';
import type { AnyEntity } from './pass-options.ts';
import { EntitySchema, PropertySchema, strictOptions } from './strict-options.ts';
import { formatValue, withFix } from './zod-issues.ts';

/** Where a row records the path of a file. */
export interface RecordedPathOptions<Row> {
  readonly entity: EntityName<Row>;
  /**
   * The property with the path: below the root, or absolute. Null and empty record no file. Each element of a list of texts is one.
   * Or a pattern with properties in braces, as `'previews/{id}.webp'`: null in one of them records no file.
   */
  readonly path: EntityKey<Row> | `${string}{${string}}${string}`;
  /**
   * Where paths stand in a property with JSON: `'$'` for the value itself, `'$[*]'` for each element of a list,
   * `'$.files[*].path'` for a member of each. Default: the property is no JSON.
   */
  readonly json?: string;
}

/** A {@link recordedPath}. */
export interface RecordedPath {
  readonly entity: AnyEntity;
  readonly path: string;
  readonly json?: string;
}

/** The parts of a `path` that is a pattern: texts, and properties. Undefined if it is the name of a property. */
export function readPattern(
  path: string,
): readonly ({ readonly text: string } | { readonly property: string })[] | undefined {
  if (!path.includes('{')) return undefined;
  return path
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== '')
    .map((part) => (part.startsWith('{') ? { property: part.slice(1, -1) } : { text: part }));
}

/** The steps of a `json`: names of members, and null for all elements of a list. */
export function readJsonPath(json: string): (string | null)[] {
  return [...json.matchAll(/\.(?<name>\w+)|\[\*\]/g)].map(({ groups }) => groups?.['name'] ?? null);
}

/** The options of {@link fileRoot}. */
export interface FileRootOptions {
  /** What operators, the ledger and messages call it. Two roots of a policy have different names. */
  readonly name: string;
  /** Where its files are: `localDisk('/srv/thumbnails')`. Stays on the worker. */
  readonly store: FileStore;
  /**
   * Every property that records files of this root, of every entity that does. What is not named here is taken for
   * unused: a file that only such a row records is deleted.
   */
  readonly recordedBy: readonly RecordedPath[];
}

/** A place with files, below which passes delete, and the rows that record them. */
export type FileRoot = FileRootOptions;

/** A property that records the path of a file, for the `recordedBy` of {@link fileRoot}. */
export function recordedPath<Row>(options: RecordedPathOptions<Row>): RecordedPath {
  return Object.freeze({ ...options });
}

/** A place with files: only below it is any file ever deleted. */
export function fileRoot(options: FileRootOptions): FileRoot {
  return Object.freeze({ ...options });
}

/** The options of a root. */
export const FileRootSchema = strictOptions({
  name: nameFor('reports'),
  store: withFix(
    z.custom<FileStore>(isFileStore),
    "Give it where its files are, like localDisk('/srv/thumbnails')",
    (option, value) => `its ${option} is ${formatValue(value)}, which is no place with files`,
  ),
  recordedBy: withFix(
    z.array(z.unknown()).min(1),
    'Name every property that records its files',
    (option) => `its ${option} names no property, so that every file would be taken for unused`,
  ).pipe(
    z.array(
      strictOptions({
        entity: EntitySchema,
        path: PropertySchema,
        json: withFix(
          z.string().regex(/^\$(\.[A-Za-z_]\w*|\[\*\])*$/),
          "Say where the paths stand, as in '$[*]' or '$.files[*].path'",
        ).optional(),
      }),
    ),
  ),
});

/** Whether a value is a place with files. */
export function isFileStore(value: unknown): value is FileStore {
  if (typeof value !== 'object' || value === null) return false;
  const { toKey, listSpellings, open } = value as Partial<FileStore>;
  return [toKey, listSpellings, open].every((method) => typeof method === 'function');
}

/** The `root` of a pass. What is wrong with the root itself is reported once for all passes. */
export const RootSchema = withFix(
  z.custom<FileRoot>((root) => typeof root === 'object' && root !== null),
  'Give it a fileRoot',
  (option, value) => `${option} is ${formatValue(value)}, which is no place with files`,
);

/** How many files a pass deletes at once. */
export const FileConcurrencySchema = withFix(z.int().min(1).max(64), 'Use a whole number from 1 to 64');
