import { chmodSync } from 'node:fs';

/** The user that owns nothing. */
const NOBODY = 65_534;

/**
 * Works while nobody may read some folders. Root may read all, so it works as a user without rights meanwhile: everything
 * above the folders must be open to all.
 */
export async function withUnreadable<T>(folders: readonly string[], work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  for (const folder of folders) chmodSync(folder, 0);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const folder of folders) chmodSync(folder, 0o700);
  }
}
