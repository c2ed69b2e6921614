import type { Issue } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Session } from '../dialect/dialect.ts';
import { findKind } from '../passes/index.ts';

/** What keeps some passes of a policy from running over a connection, outside of any transaction. */
export async function findConnectionIssues(
  session: Session,
  policy: Policy,
  passNames: readonly string[],
): Promise<Issue[]> {
  const issues: Issue[] = [];
  for (const { name, kind } of policy.passes) {
    if (!passNames.includes(name)) continue;
    const problem = await findKind(kind).findConnectionProblem?.(session);
    if (problem !== undefined) issues.push({ at: `pass ${JSON.stringify(name)}`, ...problem });
  }
  return issues;
}
