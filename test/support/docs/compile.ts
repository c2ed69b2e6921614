import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { ROOT } from '../parts/bring.ts';

const execute = promisify(execFile);

/** Compiles the code of pages in one go, as most of the work is to read the libraries. Throws what is wrong with it. */
export async function compilePages(folders: readonly string[]): Promise<void> {
  const withCode = folders.filter((folder) => readdirSync(folder).some((name) => name.endsWith('.ts')));
  const [first] = withCode;
  if (first === undefined) return;
  // Beside them, so that the package is found.
  const project = join(mkdtempSync(join(dirname(first), 'compiled-')), 'tsconfig.json');
  writeFileSync(project, JSON.stringify({ ...CONFIGURATION, include: withCode }));
  try {
    await execute(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]);
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the code of the pages does not compile:\n${stdout}${stderr}`, { cause: error });
  }
}

const CONFIGURATION = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    moduleDetection: 'force',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  },
};
