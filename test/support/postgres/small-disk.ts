import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { PostgresPrograms } from './programs.ts';

const SIZE = '4m';

/** A file system of a few megabytes that can be filled. Needs Linux and root. */
export class SmallDisk {
  /** A folder on it that the server may use. */
  readonly folder: string;
  readonly #mount: string;
  readonly #filler: string;

  private constructor(mount: string, user: PostgresPrograms['user']) {
    this.#mount = mount;
    this.#filler = join(mount, 'filler');
    this.folder = join(mount, 'data');
    mkdirSync(this.folder);
    if (user !== undefined) chownSync(this.folder, user.uid, user.gid);
  }

  static mount(user: PostgresPrograms['user']): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0755`, 'tmpfs', folder]);
    return new SmallDisk(folder, user);
  }

  /** Why there can be none here; undefined if there can. */
  static missing(): string | undefined {
    try {
      SmallDisk.mount(undefined).unmount();
      return undefined;
    } catch {
      return 'a small disk for the test of a full one needs Linux and root. To bring it: run the tests as root';
    }
  }

  /** Takes all the room that is left. */
  fill(): void {
    for (let size = 1 << 20; size >= 512; size = size / 2) {
      while (this.#append(size));
    }
  }

  free(): void {
    rmSync(this.#filler);
  }

  unmount(): void {
    execFileSync('umount', [this.#mount]);
    rmSync(this.#mount, { recursive: true });
  }

  #append(bytes: number): boolean {
    try {
      writeFileSync(this.#filler, Buffer.alloc(bytes), { flag: 'a' });
      return true;
    } catch {
      return false;
    }
  }
}
