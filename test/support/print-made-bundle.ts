import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { BUNDLE_VARIABLE } from './made-bundle.ts';

// Loaded before a program: see `made-bundle.ts`. The one that bundles the workflow prints the file and bundles nothing.
const file = process.env[BUNDLE_VARIABLE] ?? '';
if (file !== '' && /^bundle-main\.[jt]s$/.test(basename(process.argv[1] ?? ''))) {
  const code = readFileSync(file);
  await new Promise((resolve) => process.stdout.write(code, resolve));
  process.exit();
}
