/** What the types of columns, as the catalog writes them, are good for. */
export { hasTimeZone, isDate, isInstant, isNumber, isSameKind, isText } from './postgresql/column-types.ts';
