/** Older ones lack functions that every command uses. Since 22.18 Node.js also reads TypeScript. */
const OLDEST = 22;

/** What to tell a person whose Node.js runs no command; undefined if it runs them. */
export function refuseOldNode(version: string): string | undefined {
  const [major = ''] = version.replace(/^v/, '').split('.');
  if (Number(major) >= OLDEST) return undefined;
  return `temporal-vacuum needs Node.js 22.18 or newer, and this is ${version}. Install a newer one; nothing was done`;
}
