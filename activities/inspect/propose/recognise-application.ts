import type { KnownDatabase } from './known-table.ts';
import type { Application } from './proposal.ts';

/** Tables that only a database of the application has. */
const TABLES: Readonly<Record<Application, readonly string[]>> = {
  prefect: ['flow_run', 'flow_run_state', 'task_run', 'task_run_state', 'work_queue'],
  django: ['django_migrations', 'django_content_type'],
};

/** The application that a database belongs to, by its tables; null if it is none that is known. */
export function recogniseApplication({ tables }: Pick<KnownDatabase, 'tables'>): Application | null {
  const names = new Set(tables.map(({ catalog }) => catalog.name));
  const known = Object.entries(TABLES) as [Application, readonly string[]][];
  return known.find(([, wanted]) => wanted.every((name) => names.has(name)))?.[0] ?? null;
}
