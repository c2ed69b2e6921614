const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1234567 as `1,234,567`. */
export function formatCount(count: number): string {
  return NUMBER.format(count);
}

/** `1 row`, `1,234 rows`, `2 passes`. The count is rounded. */
export function countNouns(count: number, noun: string): string {
  return `${formatCount(count)} ${Math.round(count) === 1 ? noun : `${noun}${noun.endsWith('s') ? 'es' : 's'}`}`;
}
