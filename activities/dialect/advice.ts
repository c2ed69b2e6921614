/** Statements that a person may run: they are printed and never executed. */
export { suggestVacuum, suggestGrants, suggestIndex, suggestRebuild } from './postgresql/advice.ts';
