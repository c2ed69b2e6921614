import { Client } from 'pg';

/** Runs statements one by one, each its own transaction. Returns what they took. */
export async function runStatements(
  url: string,
  statements: readonly string[],
): Promise<{ seconds: number; longestMillis: number }> {
  const client = new Client(url);
  await client.connect();
  let longestMillis = 0;
  const began = performance.now();
  for (const statement of statements) {
    const start = performance.now();
    await client.query(statement);
    longestMillis = Math.max(longestMillis, performance.now() - start);
  }
  const seconds = (performance.now() - began) / 1000;
  await client.end();
  return { seconds, longestMillis };
}
