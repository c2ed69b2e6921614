import { ValidationError } from '../../policy/issue.ts';

/** Awaits several checks, so that a person sees the mistakes of all of them at once. */
export async function together<T extends readonly unknown[]>(
  ...checks: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ended = await Promise.allSettled(checks);
  const failures = ended.filter((one) => one.status === 'rejected').map((one): unknown => one.reason);
  const [first] = failures;
  if (failures.length > 1 && failures.every((failure) => failure instanceof ValidationError)) {
    throw new ValidationError(
      'command',
      failures.flatMap((failure) => failure.issues),
    );
  }
  if (failures.length > 0) throw first;
  return ended.map((one) => (one.status === 'fulfilled' ? one.value : undefined)) as {
    -readonly [K in keyof T]: Awaited<T[K]>;
  };
}
