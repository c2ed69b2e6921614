/** Milliseconds since the epoch as the ledger and reports write them; null if JavaScript cannot, as for infinity. */
export function toIsoInstant(millis: number | null): string | null {
  const date = new Date(millis ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
