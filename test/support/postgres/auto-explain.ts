/** Settings of a server that writes the plan of every statement, with what it read, into its log. */
export const AUTO_EXPLAIN = {
  shared_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_format': 'json',
} as const;

/** A statement that read much of one table. */
export interface TableRead {
  readonly statement: string;
  readonly table: string;
  readonly node: string;
  /** Rows that were looked at, also those that a filter threw away. */
  readonly rows: number;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

interface LoggedPlan {
  readonly 'Query Text': string;
  readonly Plan: PlanNode;
}

/** The plans in a log of PostgreSQL, in their order. */
export function plansIn(log: string): LoggedPlan[] {
  return log
    .split(/^(?=\S)/m)
    .flatMap((entry) => /duration: .* plan:\n(?<plan>[^]*)/.exec(entry)?.groups?.['plan'] ?? [])
    .map((plan) => JSON.parse(plan) as LoggedPlan);
}

/** Every scan of a table in these plans, with the rows that it looked at. */
export function listReads(plans: readonly LoggedPlan[]): TableRead[] {
  return plans.flatMap(({ 'Query Text': statement, Plan }) =>
    listNodes(Plan).flatMap((node) => {
      const table = node['Relation Name'];
      if (table === undefined || !node['Node Type'].includes('Scan')) return [];
      const each =
        (node['Actual Rows'] ?? 0) +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0);
      return [{ statement, table, node: node['Node Type'], rows: each * (node['Actual Loops'] ?? 0) }];
    }),
  );
}

function listNodes(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap((child) => listNodes(child))];
}
