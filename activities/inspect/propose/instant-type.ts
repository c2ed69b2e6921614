import type { CatalogColumn } from '../../dialect/catalog.ts';
import { isInstant, isStoredAsNumber, NO_VALUES } from '../../dialect/column-types.ts';
import { hasTimeWord } from './time-words.ts';

/**
 * The type of a column that holds instants, as the database declares it or, if it declares none, as its values show it;
 * undefined if it holds none. Numbers since 1970 are not among these: they may be anything.
 */
export function findInstantType({ name, type, instantType }: CatalogColumn): string | undefined {
  if (isInstant(type)) return type;
  if (instantType === undefined || !isInstant(instantType) || isStoredAsNumber(instantType)) return undefined;
  // Without a value only the name can tell.
  return instantType === NO_VALUES && !hasTimeWord(name) ? undefined : instantType;
}
