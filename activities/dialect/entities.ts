export { readEntities } from './postgresql/entities.ts';
/** The condition that is always true. */
export { ALWAYS } from './postgresql/predicate.ts';
