/** An instant for a person, to the minute: `2026-11-28 10:16 UTC`. One that JavaScript has no date for stays as it is. */
export function formatInstant(instant: string): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return instant;
  return `${at
    .toISOString()
    .replace(/:\d\d\.\d{3}Z$/, '')
    .replace('T', ' ')} UTC`;
}
