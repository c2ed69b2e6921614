import { IANAZone } from 'luxon';

/** As IANA spells names, and Temporal reads them: `Asia/Kathmandu`, `Etc/GMT+5`. Offsets and abbreviations are none. */
const NAME = /^[A-Z][A-Za-z]+(?:\/[A-Z][\w+-]*)+$/;

/**
 * Whether it is the name of a time zone: `UTC`, or one of IANA, also where its list calls another spelling the first. Not by
 * `Intl.supportedValuesOf`, which has `Asia/Calcutta` and lacks `Asia/Kolkata`.
 */
export function isTimezone(name: unknown): boolean {
  return name === 'UTC' || (typeof name === 'string' && NAME.test(name) && IANAZone.isValidZone(name));
}
