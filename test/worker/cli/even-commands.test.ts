import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';

import { createProgram } from '../../../worker/cli/program.ts';
import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { ROOT } from '../../support/parts/bring.ts';

/** No database and no Temporal listens there. */
const NOWHERE = '127.0.0.1:1';
const URL_NOWHERE = `postgresql://me:topsecret@${NOWHERE}/none`;

/** The values of arguments and required options, so that a command gets as far as its policy and its database. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  run: ['--temporal', NOWHERE],
  explain: ['FlowRun', 'a-key'],
  'hold add': ['FlowRun', 'a-key', '--reason', 'a test'],
  'hold remove': ['1'],
  'ledger close': ['1'],
};

/** Commands that are about no policy. */
const WITHOUT_POLICY: ReadonlySet<string> = new Set(['init', 'completion']);
/** Commands that write nothing but a script. */
const WITHOUT_JSON: ReadonlySet<string> = new Set(['completion']);

const OF_POLICIES = ['--policy', '--config', '--preset', '--url', '--set', '--ledger-schema'];

const program = await createProgram('test');

function listLeaves(command: Command, path = ''): [string, Command][] {
  return command.commands.flatMap((sub) => {
    const name = `${path} ${sub.name()}`.trim();
    return sub.commands.length > 0 ? listLeaves(sub, name) : [[name, sub]];
  });
}

const commands = listLeaves(program);
const longOptions = (command: Command): (string | undefined)[] => command.options.map(({ long }) => long);

/** A folder whose configuration file has the policy `prefect`. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vacuum-even-'));
  const config = `import { prefect } from ${JSON.stringify(join(ROOT, 'index.ts'))};
    export default { databases: { main: () => ${JSON.stringify(URL_NOWHERE)} }, policies: [prefect({})] };`;
  writeFileSync(join(folder, 'vacuum.config.ts'), config);
  return folder;
}

let folder: string;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Types a command with a policy, and with an address of Temporal if it takes one. */
async function type(name: string, command: Command, policy: string): Promise<CliResult> {
  const known = longOptions(command);
  return cli(
    [
      ...name.split(' '),
      ...(WORDS[name] ?? []),
      ...(known.includes('--policy') ? ['--policy', policy] : []),
      ...(known.includes('--address') ? ['--address', NOWHERE] : []),
    ],
    { cwd: folder },
  );
}

describe('all commands are alike', () => {
  test.each(commands)('%s has the options of all', (name, command) => {
    const wanted = [
      ...(WITHOUT_JSON.has(name) ? [] : ['--json']),
      ...(WITHOUT_POLICY.has(name) ? [] : OF_POLICIES),
    ];
    expect(longOptions(command)).toEqual(expect.arrayContaining(wanted));
    if (WITHOUT_POLICY.has(name)) return;
    // A command with an argument of its own takes the policy as an option alone.
    const own = command.registeredArguments.map((argument) => argument.name());
    expect([['policy'], [], ['entity', 'key'], ['run'], ['hold']]).toContainEqual(own);
  });

  const ofPolicies = commands.filter(([name]) => !WITHOUT_POLICY.has(name));

  test.each(ofPolicies)('%s names the policy that is meant by a misspelt one', async (name, command) => {
    const { code, stdout, stderr } = await type(name, command, 'prefetc');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('there is no policy "prefetc". Write prefect if that is meant');
  });

  test.each(ofPolicies)('%s says what does not respond, without the password', async (name, command) => {
    const { code, stdout, stderr } = await type(name, command, 'prefect');
    // The doctor's findings are its result.
    expect(code).toBe(name === 'doctor' ? 1 : 3);
    expect(`${stdout}${stderr}`).toMatch(
      /cannot work with database main: nothing listens at this host and port|Temporal at 127\.0\.0\.1:1 does not respond: nothing listens there/,
    );
    expect(`${stdout}${stderr}`).not.toContain('topsecret');
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});
