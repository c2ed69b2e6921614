export * from './entities/index.ts';
export type { EnabledWord } from './enabled.ts';
export { prefect } from './policy.ts';
export type { PrefectSettings } from './settings.ts';
