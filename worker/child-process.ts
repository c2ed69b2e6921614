import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** The options of {@link spawnChild}. */
interface ChildOptions {
  /** The signal that asks the program to end. Default `TERM`. */
  readonly signal?: 'TERM' | 'INT' | 'QUIT';
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** A file for its output, by descriptor. Default: standard error can be read from the child. */
  readonly output?: number;
}

/**
 * Starts a server program that ends with this process, even if this process is killed: a shell between the two sends it
 * a signal when the shell's input closes. It has its own process group, so that Ctrl-C does not reach it first.
 * `execa` cannot do this: its `cleanup` needs an exit of the parent that JavaScript sees.
 */
export function spawnChild(
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): ChildProcess {
  const { signal = 'TERM', uid, gid, env = process.env, output } = options;
  const stdio: ['pipe', number | 'ignore', number | 'pipe'] = ['pipe', output ?? 'ignore', output ?? 'pipe'];
  const as = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  if (process.platform === 'win32') return spawn(program, args, { stdio, env });
  return spawn('sh', ['-c', buildScript(signal), 'sh', program, ...args], {
    stdio,
    env,
    detached: true,
    ...as,
  });
}

/** The script starts the program, sends the signal when its input closes, and exits with the program's status. */
function buildScript(signal: string): string {
  return [
    'exec 3<&0',
    '"$@" < /dev/null 3<&- & server=$!',
    `{ read -r _ <&3; kill -${signal} $server; } 2> /dev/null & watcher=$!`,
    'wait $server; status=$?',
    'kill $watcher 2> /dev/null; wait $watcher 2> /dev/null',
    'exit $status',
  ].join('\n');
}

/** Ends a bound program and waits for its exit. Kills it if it does not exit in time. */
export async function endChild(child: ChildProcess, withinMillis = 10_000): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  if (process.platform === 'win32') child.kill();
  await Promise.race([exited, sleep(withinMillis, undefined, { ref: false })]);
  if (!hasEnded(child)) killChild(child);
}

/** Kills a bound program and its shell at once. */
export function killChild(child: ChildProcess): void {
  if (child.pid === undefined || hasEnded(child)) return;
  if (process.platform === 'win32') child.kill('SIGKILL');
  else process.kill(-child.pid, 'SIGKILL');
}

/** Whether the shell of a bound program has exited. */
export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
