const FIX =
  'It needs Node.js (npm), Python 3 with pip, and some 500 MB in the folder for temporary files (TMPDIR). ' +
  'A Temporal CLI that is already installed can be named in TEMPORAL_CLI. Correct this, and start `npm run demo` again.';

/** Describes why the demo ended early, in a sentence, and what to do. Leaves out stack traces and long logs. */
export function describeFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split('\n').map((line) => line.trim().replace(/[:.]$/, ''));
  const [first = '', ...more] = lines.filter((line) => line !== '');
  // A log gives its reason at the end.
  const last = more.at(-1);
  return `The demo ended early: ${last === undefined ? first : `${first}: ${last}`}. ${FIX}`;
}
