import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

// An application that writes a row every some milliseconds, as others do: `node sqlite-writer-process.ts PATH`. Ends when its
// input ends, and prints how long each write waited.

interface Library {
  prepare(sql: string): { run(...values: unknown[]): unknown };
}

const Database = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options: object,
) => Library;
const db = new Database(process.argv[2] ?? '', { timeout: 10_000 });
const insert = db.prepare('insert into other (at) values (?)');
const waits: number[] = [];
let failed = 0;
const state = { isOver: false };
process.stdin.on('end', () => (state.isOver = true));
process.stdin.resume();
process.stdout.write('writing\n');
while (!state.isOver) {
  const started = performance.now();
  try {
    insert.run(Date.now());
  } catch {
    failed += 1;
  }
  waits.push(performance.now() - started);
  await sleep(15);
}
waits.sort((a, b) => a - b);
const at = (part: number): number => Math.round(waits[Math.floor(part * (waits.length - 1))] ?? 0);
process.stdout.write(
  JSON.stringify({ writes: waits.length, failed, median: at(0.5), p99: at(0.99), longest: at(1) }),
);
