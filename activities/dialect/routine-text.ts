/** A name in a statement, with its schema if it has one. */
interface WrittenName {
  readonly schema: string | null;
  readonly name: string;
}

/** What the text of a routine, a trigger or a rule may do. */
export interface RoutineText {
  /** It may delete rows of any table, or makes statements at run time. */
  readonly deletes: boolean;
  /** What may be names of tables that it updates or inserts into. */
  readonly writes: readonly WrittenName[];
  /** What may be names of routines that it calls. */
  readonly calls: readonly WrittenName[];
}

/** In SQLite a row that replaces another deletes it. */
const DELETES =
  /\bdelete\s+from\b|\b(?:truncate|merge|execute|drop|alter)\b|\bor\s+replace\b|\breplace\s+into\b/i;
/** SQLite takes a name in each of these quotes. */
const NAME = '(?:"(?:[^"]|"")+"|`[^`]+`|\\[[^\\]]+\\]|\'[^\']+\'|[\\p{L}_][\\p{L}\\p{N}_$]*)';
const QUALIFIED = `(?:(${NAME})\\s*\\.\\s*)?(${NAME})`;
const WRITES = new RegExp(
  `\\b(?:update(?:\\s+or\\s+\\w+)?|(?:insert(?:\\s+or\\s+\\w+)?|replace)\\s+into|copy)\\s+(?:only\\s+)?${QUALIFIED}`,
  'giu',
);
const CALLS = new RegExp(`${QUALIFIED}\\s*\\(`, 'gu');
const TOKENS = /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

/**
 * Reads the text of a routine. Whatever it may do counts: also what stands in a comment, and in a text, since a statement that
 * is made at run time may stand there.
 */
export function readRoutineText(source: string): RoutineText {
  const text = withJoinedWords(source);
  return { deletes: DELETES.test(text), writes: listNames(text, WRITES), calls: listNames(text, CALLS) };
}

/** The text, and once more without comments: one may stand between two words of a statement. */
export function withJoinedWords(source: string): string {
  return `${source}\n${source.replace(TOKENS, (token) => (/^(?:--|\/\*)/.test(token) ? ' ' : token))}`;
}

function listNames(text: string, pattern: RegExp): WrittenName[] {
  const names = [...text.matchAll(pattern)].map(([, schema, name = '']): WrittenName => ({
    schema: schema === undefined ? null : fold(schema),
    name: fold(name),
  }));
  return [...new Map(names.map((name) => [JSON.stringify(name), name])).values()];
}

/** A name as PostgreSQL's catalog has it. */
function fold(name: string): string {
  return /^["`'[]/.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}
