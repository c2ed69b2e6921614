export * from './entities/index.ts';
export type { EnabledWord } from './enabled.ts';
export { prefectMaintenance } from './maintenance.ts';
export type { PrefectMaintenanceSettings } from './maintenance.ts';
export { prefect } from './policy.ts';
export type { KeepLastPer, RunRetentionRule } from './run-retention.ts';
export type { PrefectSettings } from './settings.ts';
