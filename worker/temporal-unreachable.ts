/** Temporal does not respond. */
export class TemporalUnreachable extends Error {
  override readonly name = 'TemporalUnreachable';

  constructor(address: string, cause: unknown) {
    super(
      `Temporal at ${address} does not respond: ${formatCause(cause)}. ` +
        'Check the address that was given, TEMPORAL_ADDRESS and the profile in temporal.toml; ' +
        '`run --temporal dev` needs no Temporal.',
      { cause },
    );
  }
}

/** The first line. The others describe the inside of the client. */
function formatCause(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}
