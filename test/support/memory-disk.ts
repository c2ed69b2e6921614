import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY_DISK = '/dev/shm';
/** What `statfs` calls a file system in memory. */
const TMPFS = 0x01021994;
/** The tests keep up to 2 GiB there. */
const ROOM_BYTES = 4 * 1024 ** 3;

/**
 * Makes a folder for files that need not survive: on the memory disk if there is one with enough room, else beside other
 * temporary files. On a disk PostgreSQL takes three times as long to make a database.
 */
export function makeFastFolder(name: string): string {
  return mkdtempSync(join(hasRoom() ? MEMORY_DISK : tmpdir(), `temporal-vacuum-${name}-${process.pid}-`));
}

/** Removes the folders of processes that were killed. They would take memory until the machine restarts. */
export function removeAbandonedFolders(): void {
  if (!existsSync(MEMORY_DISK)) return;
  for (const name of readdirSync(MEMORY_DISK)) {
    const { pid } = /^temporal-vacuum-\w+-(?<pid>\d+)-\w+$/.exec(name)?.groups ?? {};
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(MEMORY_DISK, name), { recursive: true, force: true });
    }
  }
}

function hasRoom(): boolean {
  if (!existsSync(MEMORY_DISK)) return false;
  const { type, bavail, bsize } = statfsSync(MEMORY_DISK);
  return type === TMPFS && Math.min(bavail * bsize, process.availableMemory()) >= ROOM_BYTES;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
