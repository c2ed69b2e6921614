import type { ProposedEntity, ProposedProperty } from '../../../activities/inspect/propose/proposal.ts';

/** The builder of MikroORM for a type of the database. Only a few types matter: keys, ages, states and references. */
const BUILDERS: readonly (readonly [RegExp, string])[] = [
  [/^smallint\b/, 'p.smallint()'],
  [/^integer\b/, 'p.integer()'],
  [/^bigint\b/, "p.bigint('string')"],
  [/^numeric\b/, "p.decimal('string')"],
  [/^(real|double precision)\b/, 'p.double()'],
  [/^uuid\b/, 'p.uuid()'],
  [/^boolean\b/, 'p.boolean()'],
  [/^timestamp\b/, 'p.datetime()'],
  [/^date\b/, 'p.date()'],
];

/** The definition of an entity with the exact names of the database. */
export function renderEntity({ name, table, schema, properties, keyless }: ProposedEntity): string {
  const comment = keyless
    ? ['// The table has no primary key. MikroORM wants one of every entity; no pass reads this one.']
    : [];
  return [
    ...comment,
    `const ${name} = defineEntity({`,
    `  name: ${quote(name)},`,
    `  tableName: ${quote(table)},`,
    ...(schema === null ? [] : [`  schema: ${quote(schema)},`]),
    '  properties: {',
    ...properties.map((property) => `    ${renderProperty(property)},`),
    '  },',
    '});',
  ].join('\n');
}

function renderProperty({ name, column, type, nullable, primary }: ProposedProperty): string {
  const builder = BUILDERS.find(([pattern]) => pattern.test(type))?.[1] ?? 'p.text()';
  return [
    `${name}: ${builder}`,
    // MikroORM makes the column of a property without a name from the property: `writtenAt` is `written_at`.
    ...(name === column && !/[A-Z]/.test(name) ? [] : [`.fieldName(${quote(column)})`]),
    ...(primary ? ['.primary()'] : []),
    ...(nullable ? ['.nullable()'] : []),
  ].join('');
}

/** A string of TypeScript, as the formatter writes it. */
export function quote(text: string): string {
  const json = JSON.stringify(text);
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`;
}
