import type { SetupFlags } from './options.ts';

/** What decides which rows a run deletes, as its command had it. */
type RunSettings = Pick<SetupFlags, 'config' | 'preset' | 'url' | 'set' | 'ledgerSchema'> & {
  readonly pass: readonly string[];
};

/** Formats the command that previews a run with the same settings. A URL may have a password, and becomes a word. */
export function formatPreviewCommand(policy: string, flags: RunSettings): string {
  const options: (readonly [string, string | undefined])[] = [
    ['--config', flags.config],
    ['--preset', flags.preset],
    ['--url', flags.url === undefined ? undefined : 'THE_SAME_URL'],
    ['--ledger-schema', flags.ledgerSchema],
    ...(flags.set ?? []).map((pair) => ['--set', pair] as const),
    ...flags.pass.map((pass) => ['--pass', pass] as const),
  ];
  const words = options.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return ['temporal-vacuum', 'preview', policy, ...words].map(quote).join(' ');
}

/** Quotes a word for a shell, if it needs it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
