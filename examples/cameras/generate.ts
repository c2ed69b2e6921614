// Makes the tables and fills them, with a file for every path: `node generate.ts [days]`.

import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Client } from 'pg';

const HOUR = 3600;
const PER_DAY = 48;
const days = Number(process.argv[2] ?? 60);
const mediaDir = process.env['MEDIA_DIR'] ?? '';
if (mediaDir === '') throw new Error('MEDIA_DIR is not set');

async function write(folder: string, key: string, bytes: number, secondsAgo: number): Promise<void> {
  const path = join(mediaDir, folder, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(bytes, 1));
  const at = Date.now() / 1000 - secondsAgo;
  await utimes(path, at, at);
}

const client = new Client(process.env['CAMERAS_DATABASE_URL']);
await client.connect();
await client.query(await readFile(new URL('./schema.sql', import.meta.url), 'utf8'));
await client.query(`insert into camera (name) values ('gate'), ('yard'), ('door')`);

// One detection each half hour. Two that follow one another show the same original.
const rows = Array.from({ length: days * PER_DAY }, (_, n) => {
  const secondsAgo = (n + 0.5) * (HOUR / 2);
  const pair = Math.floor(n / 2);
  return {
    camera: (n % 3) + 1,
    secondsAgo,
    thumbnail: `${n % 3}/${n}.jpg`,
    original: `${pair % 3}/${pair}.jpg`,
  };
});
await client.query(
  `insert into detection (camera_id, detected_at, label, confidence, thumbnail_path, original_path)
   select camera, now() - "secondsAgo" * interval '1 second', 'person', 0.9, thumbnail, original
   from jsonb_to_recordset($1::jsonb) as r(camera int, "secondsAgo" float8, thumbnail text, original text)`,
  [JSON.stringify(rows)],
);
for (const { thumbnail, original, secondsAgo } of rows) {
  await write('thumbnails', thumbnail, 200, secondsAgo);
  await write('originals', original, 1000, secondsAgo);
}
// What somebody left behind, and what is just being written.
for (let n = 0; n < 20; n += 1) await write('thumbnails', `lost/${n}.jpg`, 50, 40 * 24 * HOUR);
await write('thumbnails', 'now/1.jpg', 50, 60);

await client.query(
  `insert into event (camera_id, at, kind)
   select 1 + n % 3, now() - (n + 0.5) * interval '20 minutes', 'motion' from generate_series(0, $1::int * 72 - 1) as n`,
  [days],
);
await client.query(
  `insert into gpu_statistic (at, utilization, memory_bytes)
   select now() - (n + 0.5) * interval '5 minutes', n % 100, n * 1000::bigint
   from generate_series(0, $1::int * 288 - 1) as n`,
  [days],
);
await client.query(
  `insert into log_entry (at, level, message)
   select now() - (n + 0.5) * interval '10 minutes', 'info', 'frame read' from generate_series(0, $1::int * 144 - 1) as n`,
  [days],
);
await client.query('analyze');
await client.end();
