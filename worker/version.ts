import { readFileSync } from 'node:fs';

/** The version of this package. */
export function readVersion(): string {
  // From worker as source, from dist/worker as built.
  const depth = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const { version } = JSON.parse(readFileSync(new URL(depth, import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
