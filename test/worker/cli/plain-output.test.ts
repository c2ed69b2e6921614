import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Command } from 'commander';

import { createProgram } from '../../../worker/cli/program.ts';
import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { describeNeeding } from '../../support/needing.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { Pictures } from '../../support/pictures.ts';
import { TemporalSession, temporalAddress } from '../../support/temporal.ts';

const CONFIG = join(ROOT, 'test/support/counted.config.ts');

const NOUNS =
  'row|file|table|run|day|hour|minute|second|column|transaction|batch|worker|schema|finding|mistake|level|hold|key|time|shard';

/** What no output may have, and why. */
const ODD: Readonly<Record<string, RegExp>> = {
  'a plural of one': new RegExp(
    `(?<![\\d.,:/-])1 (?:other |dead )?(?:${NOUNS.replaceAll('|', 's|')}s|passes|policies|indexes)\\b`,
  ),
  'a singular of several': new RegExp(
    `(?<![\\d.,:/-])(?:0|[2-9]|\\d\\d+) (?:other |dead )?(?:${NOUNS}|pass|policy|index)\\b`,
  ),
  'a value that is none': /\b(?:NaN|undefined|null|Infinity|Invalid Date)\b|\[object /,
  'marks without words between': /, ,|,,|;,|:,|: ;|\(\)|\(, |[^.]\.\.(?!\.)| [,;]/,
  'two spaces in a sentence': /[a-z][,;:]? {2,}[a-z]+ [a-z]+ [a-z]+/,
  'none of none': /\b0 of 0\b/,
  'a number that nobody reads': /\b\d{4,} ?ms\b|\d\.\d{4,}|(?<![\w/:.-])\d{5,} (?:bytes|rows|seconds)\b/,
  'a stack': /^ {4}at |EPIPE/m,
};

/** Lines of tables and lists stand in columns, and two spaces are between them. */
function listSentences(text: string): string[] {
  return text.split('\n').filter((line) => !/\S {2,}\S.* {2,}\S|^ {2,}[\w-]+.* {2,}\S|^ \S| $/.test(line));
}

function findOdd(text: string): string[] {
  return Object.entries(ODD).flatMap(([why, odd]) => {
    const lines = why.startsWith('two spaces') ? listSentences(text) : text.split('\n');
    return lines.filter((line) => odd.test(line)).map((line) => `${why}: ${line}`);
  });
}

/** Closes what a command writes to, before it writes: harsher than `| head -1`, and at the same point each time. */
function closePipes({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}

function listLeaves(command: Command, path = ''): string[] {
  return command.commands.flatMap((sub) => {
    const name = `${path} ${sub.name()}`.trim();
    return sub.commands.length > 0 ? listLeaves(sub, name) : [name];
  });
}

function listHelp(command: Command): string[] {
  return [command.helpInformation(), ...command.commands.flatMap(listHelp)];
}

describeNeeding(['temporal'], 'the output of all commands', () => {
  const session = new TemporalSession();
  const taskQueue = session.queue();
  const typed = new Set<string>();
  let pictures: Pictures;
  let program: Command;
  let known: readonly string[];

  beforeAll(async () => {
    pictures = await Pictures.create();
    program = await createProgram('test');
    known = listLeaves(program);
  });
  afterAll(async () => {
    await pictures.drop();
    await session.close();
  });

  const start = async (
    words: readonly string[],
    onStart?: (child: ChildProcess) => void,
  ): Promise<CliResult> =>
    cli(words, {
      env: { TEST_DATABASE_URL: pictures.database.url, TEST_PICTURES: pictures.folder },
      ...(onStart === undefined ? {} : { onStart }),
    });
  const complete = (words: readonly string[]): string[] => {
    const name = known.find((leaf) => leaf === words.slice(0, leaf.split(' ').length).join(' ')) ?? '';
    typed.add(name);
    const command = name
      .split(' ')
      .reduce<Command | undefined>(
        (parent, part) => parent?.commands.find((sub) => sub.name() === part),
        program,
      );
    const takes = (option: string): boolean => command?.options.some(({ long }) => long === option) ?? false;
    return [
      ...words,
      ...(takes('--config') ? ['--config', CONFIG] : []),
      ...(takes('--address') ? ['--address', temporalAddress()] : []),
      ...(takes('--task-queue') ? ['--task-queue', taskQueue] : []),
      ...(takes('--temporal') && name === 'run' ? ['--temporal', temporalAddress()] : []),
    ];
  };
  /** Types a command and looks at all that it writes. Returns it with the exit code. */
  const type = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await start(complete(words));
    expect({ words, odd: findOdd(`${stdout}${stderr}`) }).toEqual({ words, odd: [] });
    return `${code}\n${stdout}${stderr}`;
  };
  /** Fills the table and the folder with so many rows and files that are past their time. */
  const add = async (count: number): Promise<void> => {
    const paths = Array.from({ length: count }, (_, n) => `${count}-${n}.jpg`);
    await pictures.add(
      60,
      paths.map(() => null),
    );
    for (const path of paths) pictures.write(path);
  };

  test('of none, one and two rows and files is grammatical', async () => {
    for (const command of listHelp(program)) expect(findOdd(command)).toEqual([]);
    await pictures.add(1, [null]);
    for (const count of [0, 1, 2]) {
      await add(count);
      expect(await type('preview', 'rows')).toContain(`${count} row${count === 1 ? '' : 's'} would go`);
      if (count === 2) break;
      const rows = await type('run', 'rows', '--execute');
      expect(rows).toMatch(new RegExp(`^0\\nrun \\d+ of policy rows: completed, ${count} rows? deleted in `));
      if (count !== 1) continue;
      await type('preview', 'files');
      const files = await type('run', 'files', '--execute');
      expect(files).toContain('1 file removed');
      await type('history', '--limit', '1');
      await type('history', '4', '--details');
    }
    await type('history');
  });

  test('of the other commands is so as well, also of those that find nothing to do', async () => {
    await pictures.add(60, [null]);
    const [{ id }] = (await pictures.database.rows<{ id: number }>('select max(id) as id from picture')) as [
      { id: number },
    ];
    await type('doctor', 'rows');
    await type('stats', 'rows', '--exact');
    await type('explain', 'Picture', String(id), '--policy', 'rows');
    await type('hold', 'list');
    await type('hold', 'add', 'Picture', String(id), '--reason', 'a test', '--policy', 'rows');
    await type('hold', 'list');
    await type('preview', 'rows');
    await type('hold', 'remove', '1');
    await type('acknowledge');
    await type('ledger', 'migrate');
    await type('ledger', 'close', '1');
    await type('init', '--check');
    for (const verb of ['apply', 'show', 'pause', 'show', 'resume', 'delete', 'trigger'])
      await type('schedule', verb, 'rows', '--id', taskQueue);
    for (const verb of ['pause', 'resume', 'stop']) await type(verb, 'rows');
    // A worker only ends by a signal, and its log has a test of its own. A script for a shell is no text.
    expect(known.filter((name) => !typed.has(name)).toSorted()).toEqual(['completion', 'worker']);
  });

  test.each([
    [0, ['--help']],
    [0, ['preview', 'rows']],
    [0, ['history']],
    [0, ['stats', 'rows']],
    [0, ['doctor', 'rows', '--json']],
    [2, ['explain', 'Pictures', '1', '--policy', 'rows']],
  ])('may be read by nobody, and the exit code is the same: %d of %j', async (code, words) => {
    expect((await start(complete(words), closePipes)).code).toBe(code);
  });

  test('may be read by nobody, and a run goes on to its end', async () => {
    const count = async (): Promise<number> =>
      pictures.database.value(
        "select count(*)::int from picture where taken_at < now() - interval '30 days'",
      );
    expect(await count()).toBeGreaterThan(1);
    expect((await start(complete(['run', 'rows', '--execute']), closePipes)).code).toBe(0);
    expect(await count()).toBe(0);
    const last = await start(complete(['history', '--limit', '1', '--json']));
    expect(JSON.parse(last.stdout)).toMatchObject([{ policy: 'rows', status: 'completed' }]);
  });

  test('may be read by nobody, and a worker works until it is told to end', async () => {
    await add(1);
    let worker: ChildProcess | undefined;
    const words = complete(['worker', 'rows', '--log-level', 'DEBUG']);
    const ended = start(words, (child) => {
      worker = child;
      closePipes(child);
    });
    const handle = await session.start(taskQueue, { policy: 'rows' });
    expect(await handle.result()).toMatchObject({ status: 'completed', rows: 1 });
    worker?.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});
