import { assertValid } from '../../policy/issue.ts';
import type { Session } from '../dialect/dialect.ts';

/** Throws a `ValidationError` if the database only looks like one that can be cleaned. */
export async function assertSupported({ facts }: Session): Promise<void> {
  const unsupported = await facts.findUnsupported();
  if (unsupported === undefined) return;
  const { what, fix } = unsupported;
  assertValid('the database', [{ at: 'database', what, fix }]);
}
