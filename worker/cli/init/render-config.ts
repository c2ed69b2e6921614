import type {
  LeftOut,
  ProposedChild,
  ProposedPass,
  Proposal,
} from '../../../activities/inspect/propose/proposal.ts';
import { quote, renderEntity } from './render-entity.ts';

/** The columns that a line of a comment may take. */
const WIDTH = 108;

/** What a person should know of an application that was recognised. */
const ABOUT = {
  prefect: [
    'This is a Prefect database: the preset knows its tables. Settings are on the page docs/prefect.md.',
  ],
  django: [
    'This is a Django database. Django deletes children itself (on_delete), so that its foreign keys have no action: ' +
      'what goes with a row is guessed from names.',
  ],
} as const;

/** The text of a configuration file. */
export function renderConfig(proposal: Proposal): string {
  const { application, entities, passes, waived, unsolved } = proposal;
  const isPrefect = application === 'prefect';
  const policies = isPrefect ? ['prefect({ enabled: false })'] : passes.length === 0 ? [] : ['retention'];
  const sections = [
    renderImports(proposal),
    comment('', [
      'Proposed by `temporal-vacuum init` from the catalog and the statistics of the database. Nothing is deleted: the ' +
        'policy is disabled. What the comments say is guessed, so check each, look at a preview, and then enable it.',
      ...(application === null ? [] : ABOUT[application]),
    ]),
    ...(isPrefect ? [] : entities.map(renderEntity)),
    ...(isPrefect || passes.length === 0 ? [] : [renderPolicy(proposal)]),
    renderUnsolved(unsolved),
    renderDefault(policies, waived),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function renderImports({ application, passes }: Proposal): string {
  if (application === 'prefect') return "import { defineConfig, prefect } from 'temporal-vacuum';";
  const names = [
    'defineConfig',
    ...(passes.length === 0 ? [] : ['definePolicy']),
    ...(passes.some(({ drops }) => drops) ? ['dropPartitions'] : []),
    ...(passes.some(({ unit, goesWith }) => unit !== null && goesWith === null) ? ['epoch'] : []),
    ...(passes.some(({ drops }) => !drops) ? ['expireRows'] : []),
    ...(passes.some(({ children, goesWith }) => goesWith === null && children.some(({ guess }) => !guess))
      ? ['softChild']
      : []),
  ];
  const ours = `import { ${names.join(', ')} } from 'temporal-vacuum';`;
  return passes.length === 0 ? ours : `import { defineEntity, p } from '@mikro-orm/core';\n${ours}`;
}

function renderPolicy({ entities, passes }: Proposal): string {
  return [
    'const retention = definePolicy({',
    "  name: 'retention',",
    `  entities: [${entities.map(({ name }) => name).join(', ')}],`,
    '  passes: [',
    ...passes.map(renderPass),
    '  ],',
    "  schedule: { cron: '0 3 * * *', timezone: 'UTC' },",
    '  enabled: false,',
    '});',
  ].join('\n');
}

function renderPass(pass: ProposedPass): string {
  if (pass.goesWith !== null) return renderGoing(pass, pass.goesWith);
  const { drops, name, entity, olderThan, states, children, comments } = pass;
  return [
    comment('    ', comments),
    drops ? '    dropPartitions({' : '    expireRows({',
    `      name: ${quote(name)},`,
    `      entity: ${entity},`,
    `      age: ${renderAge(pass)},`,
    `      olderThan: ${quote(olderThan)},`,
    ...(states === null ? [] : [`      where: ${renderStates(states)},`]),
    ...renderChildren(children),
    '    }),',
  ].join('\n');
}

/** A pass of one line, so that it takes one edit. */
function renderGoing(pass: ProposedPass, goesWith: string): string {
  const { name, entity, olderThan, states } = pass;
  const options = [
    `name: ${quote(name)}`,
    `entity: ${entity}`,
    `age: ${renderAge(pass)}`,
    `olderThan: ${quote(olderThan)}`,
    ...(states === null ? [] : [`where: ${renderStates(states)}`]),
  ];
  return [
    comment('    ', [
      `Old rows that stay with one of ${goesWith}, as by a keepLast, need a pass of their own:`,
    ]),
    `    // expireRows({ ${options.join(', ')} }),`,
  ].join('\n');
}

function renderAge({ age, unit }: ProposedPass): string {
  return unit === null ? quote(age) : `epoch(${quote(age)}, ${quote(unit)})`;
}

function renderStates({ property, values }: NonNullable<ProposedPass['states']>): string {
  return `{ ${property}: { $in: [${values.map(quote).join(', ')}] } }`;
}

/** Guesses are comments, and so is a list of nothing else. */
function renderChildren(children: readonly ProposedChild[]): string[] {
  if (children.length === 0) return [];
  const marks = children.every(({ guess }) => guess) ? '// ' : '';
  return [
    `      ${marks}with: [`,
    ...children.flatMap((child) => {
      const lines = renderChild(child, '  ');
      return lines.map((line) => `      ${child.guess ? '// ' : marks}${line}`);
    }),
    `      ${marks}],`,
  ];
}

function renderChild({ entity, by, children }: ProposedChild, indent: string): string[] {
  if (children.length === 0) return [`${indent}softChild({ entity: ${entity}, by: ${quote(by)} }),`];
  return [
    `${indent}softChild({`,
    `${indent}  entity: ${entity},`,
    `${indent}  by: ${quote(by)},`,
    `${indent}  with: [`,
    ...children.flatMap((child) => renderChild(child, `${indent}    `)),
    `${indent}  ],`,
    `${indent}}),`,
  ];
}

function renderUnsolved(unsolved: readonly LeftOut[]): string {
  if (unsolved.length === 0) return '';
  return comment('', [
    'These tables have no policy. `temporal-vacuum init --check` reports them until a policy covers them or you waive them:',
    ...unsolved.map(({ table, why }) => `- ${table}: ${why}`),
  ]);
}

function renderDefault(policies: readonly string[], waived: readonly LeftOut[]): string {
  return [
    'export default defineConfig({',
    "  databases: { main: () => process.env['VACUUM_DATABASE_URL'] ?? '' },",
    `  policies: [${policies.join(', ')}],`,
    ...(waived.length === 0
      ? []
      : [
          '  // Tables that need no policy, with the reason, for `temporal-vacuum init --check`.',
          '  waived: {',
          ...waived.map(({ table, why }) => `    ${quoteKey(table)}: ${quote(why)},`),
          '  },',
        ]),
    '});',
  ].join('\n');
}

function quoteKey(name: string): string {
  return /^[a-z_]\w*$/i.test(name) ? name : quote(name);
}

/** Paragraphs as line comments. A name with a line break in it would end the comment. */
function comment(indent: string, paragraphs: readonly string[]): string {
  return paragraphs
    .flatMap((text) => wrap(text.replaceAll(/\s+/g, ' '), WIDTH - indent.length))
    .map((line) => `${indent}// ${line}`)
    .join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
