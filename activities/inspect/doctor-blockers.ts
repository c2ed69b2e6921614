import { findKind } from '../passes/index.ts';
import type { ResolvedPass } from '../plan/resolved-pass.ts';
import type { StoredBlocker } from '../stored/row-tree.ts';
import type { Finding } from './finding.ts';

/**
 * Foreign keys that keep rows which a pass would delete: whoever wonders before the first run why rows will stay finds them
 * here. How many stay, the preview counts.
 */
export function examineBlockers(passes: readonly ResolvedPass[]): Finding[] {
  return passes.flatMap(({ pass, stored }) => {
    const kind = findKind(pass.kind);
    const blockers = 'dependents' in kind ? (kind.dependents(stored).blockers ?? []) : [];
    return [...new Set(blockers.map(describe))].map((what): Finding => ({
      about: `pass ${pass.name}`,
      state: 'advice',
      what,
      fix: 'A preview counts these rows as blocked. If they should go, have an earlier pass delete what references them, or name that in `with` as a softChild',
    }));
  });
}

function describe({ name, reference, path }: StoredBlocker): string {
  const { label } = reference.table;
  const along = path.at(-1)?.table.label;
  const what = along === undefined ? 'them' : `their rows of ${along}`;
  return `it keeps rows as long as rows of ${label} that stay reference ${what}, by foreign key ${name}`;
}
