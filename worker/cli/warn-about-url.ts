import { note } from './output.ts';

/** Warns if `--url` has a password, because everybody on the machine can read the arguments of a process. */
export function warnAboutUrl(url: unknown): void {
  if (typeof url !== 'string' || !hasPassword(url)) return;
  note(
    'the password in --url can be read by everybody on this machine (`ps`): ' +
      'put the URL into VACUUM_DATABASE_URL or a file .env, or the password into PGPASSWORD',
  );
}

function hasPassword(url: string): boolean {
  return /^[^/]*\/\/[^/@]*:[^/@]+@/.test(url) || /[?&]password=[^&]/.test(url);
}
