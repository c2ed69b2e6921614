/** The words of an identifier, in lower case and in the singular: `taskRuns` and `task_runs` are both `task`, `run`. */
export function splitWords(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '')
    .map(toSingular);
}

/** Whether one of the words is in the list. */
export function hasWord(words: readonly string[], list: ReadonlySet<string>): boolean {
  return words.some((word) => list.has(word));
}

/** A name that is not taken: the wanted one, or that with a number. */
export function distinguish(name: string, taken: readonly string[], separator = ''): string {
  let [candidate, n] = [name, 2];
  while (taken.includes(candidate)) {
    candidate = `${name}${separator}${n}`;
    n += 1;
  }
  return candidate;
}

function toSingular(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.length > 3 && /[^sui]s$/.test(word) ? word.slice(0, -1) : word;
}
