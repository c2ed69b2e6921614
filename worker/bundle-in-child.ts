import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The program beside this file, as source or as built. */
const PROGRAM = fileURLToPath(
  new URL(`./bundle-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/**
 * Bundles our workflow in a process of its own and returns the code. The bundler needs 200 MiB that the process would
 * never give back: a worker that bundles by itself has 447 MiB, one that is given the code 246 MiB.
 */
export async function bundleInChild(): Promise<{ code: string }> {
  const { stdout } = await execute(process.execPath, [PROGRAM], { maxBuffer: Number.POSITIVE_INFINITY });
  return { code: stdout };
}
