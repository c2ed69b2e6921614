import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The program beside this file, as source or as built. */
const PROGRAM = fileURLToPath(
  new URL(`./bundle-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/**
 * Bundles our workflow in a process of its own and answers the code. The bundler needs 200 MiB that the process would
 * never give back: a worker that bundles by itself has 447 MiB, one that is given the code 246 MiB.
 */
export async function bundleApart(): Promise<{ code: string }> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'pipe'] });
  const code: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => code.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode !== 0) {
    throw new Error(`the workflow could not be bundled:\n${Buffer.concat(errors).toString()}`);
  }
  return { code: Buffer.concat(code).toString() };
}
