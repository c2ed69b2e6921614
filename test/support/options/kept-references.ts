import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';
import { justOver, justUnder } from './option.ts';
import { Blob, BLOBS, Data, DATA, Line, LINES, old, oldBlob, Order, Page } from './orders.ts';

const oldLine = { name: 'old', entity: Line, age: 'at', olderThan: '10 days' } as const;
const withData = { with: [softChild({ entity: Data, by: 'orderId', as: 'text' })] } as const;
const withLines = { with: [softChild({ entity: Line, by: 'order' })] } as const;

/** Two more lines of orders, and one of none, each beside another that is younger. */
const MORE_LINES = `${LINES}
  insert into line values (22, 2, ${justUnder(10)}), (12, 1, ${justOver(20)}), (91, null, ${justOver(20)});`;

/** What holds and `keepLast` keep through a reference, by its declared cast, its unique key or its columns. */
export const KEPT_REFERENCES: readonly Option[] = [
  {
    name: 'a hold on a soft child by a key that is kept as text keeps its parent',
    schema: `${DATA}
      insert into data values (6, '3');`,
    entities: [Order, Data],
    passes: [expireRows({ ...old, olderThan: '10 days', ...withData })],
    // The text '01' is the key of no order.
    holds: [
      { entity: 'Data', rows: { key: '1' } },
      { entity: 'Data', rows: { key: '3' } },
    ],
    deleted: { old: { orders: 1, data: 1 } },
    left: { orders: [1, 2], data: [1, 2, 3, 4, 5] },
    explained: [
      ['Order', 3, 'old'],
      ['Order', 1, ['held']],
      ['Order', 2, ['too-young']],
      ['Data', 6, 'old'],
      ['Data', 1, ['held']],
      ['Data', 3, []],
    ],
  },
  {
    name: 'soft children by a key that is kept as text stay with the newest of each group',
    schema: `${DATA}
      insert into data values (6, '3');`,
    entities: [Order, Data],
    passes: [
      expireRows({ ...old, olderThan: '10 days', ...withData, keepLast: { count: 1, per: ['shop'] } }),
    ],
    deleted: { old: { orders: 1, data: 1 } },
    onlyCounted: true,
    left: { orders: [2, 3], data: [2, 3, 4, 5, 6] },
    explained: [
      ['Order', 1, 'old'],
      ['Order', 2, ['too-young', 'kept-newest']],
      ['Order', 3, ['kept-newest']],
      ['Data', 1, 'old'],
      ['Data', 6, ['kept-newest']],
    ],
  },
  {
    name: 'a hold on a soft child by a unique key keeps its parent',
    schema: `${LINES}
      insert into line values (31, 3, ${justOver(10)});`,
    entities: [Order, Line],
    passes: [expireRows({ ...old, olderThan: '10 days', ...withLines })],
    holds: [{ entity: 'Line', rows: { key: '21' } }],
    deleted: { old: { orders: 1, line: 1 } },
    left: { orders: [1, 2], line: [11, 21, 90, 99] },
    explained: [
      ['Order', 3, 'old'],
      ['Order', 1, ['held']],
      ['Order', 2, ['too-young']],
      ['Line', 31, 'old'],
      ['Line', 21, ['held']],
    ],
  },
  {
    name: 'a hold by a filter on a relation by a unique key',
    schema: MORE_LINES,
    entities: [Order, Line],
    passes: [expireRows(oldLine)],
    // The order with the code 2 has the id 1.
    holds: [{ entity: 'Line', rows: { filter: { order: { code: 2 } } } }],
    deleted: { old: { line: 5 } },
    left: { orders: [1, 2, 3], line: [21, 22] },
    explained: [
      ['Line', 11, 'old'],
      ['Line', 21, ['held']],
      ['Line', 22, ['too-young', 'held']],
    ],
  },
  {
    name: 'soft children by a unique key stay with the newest of each group',
    schema: `${LINES}
      insert into line values (31, 3, ${justOver(10)});`,
    entities: [Order, Line],
    passes: [
      expireRows({ ...old, olderThan: '10 days', ...withLines, keepLast: { count: 1, per: ['shop'] } }),
    ],
    deleted: { old: { orders: 1, line: 1 } },
    onlyCounted: true,
    left: { orders: [2, 3], line: [11, 31, 90, 99] },
    explained: [
      ['Order', 1, 'old'],
      ['Order', 3, ['kept-newest']],
      ['Line', 21, 'old'],
      ['Line', 31, ['kept-newest']],
    ],
  },
  {
    name: 'the newest of each group by a unique key',
    schema: MORE_LINES,
    entities: [Order, Line],
    passes: [expireRows({ ...oldLine, keepLast: { count: 1, per: ['order'] } })],
    deleted: { old: { line: 3 } },
    onlyCounted: true,
    left: { orders: [1, 2, 3], line: [11, 22, 90, 99] },
    explained: [
      ['Line', 21, 'old'],
      ['Line', 12, 'old'],
      ['Line', 91, 'old'],
      ['Line', 22, ['too-young', 'kept-newest']],
      ['Line', 11, ['kept-newest']],
      ['Line', 90, ['kept-newest']],
      ['Line', 99, ['kept-newest']],
    ],
  },
  {
    name: 'holds by keys of several columns',
    schema: BLOBS,
    entities: [Blob, Page],
    passes: [expireRows({ ...oldBlob, olderThan: '10 days' })],
    holds: [{ entity: 'Blob', rows: { key: 'tenant=1,hash=b' } }],
    deleted: { old: { blob: 2 } },
    left: { blob: [3, 4], page: [1, 2, 3, 4] },
    explained: [
      ['Blob', 'tenant=1,hash=a', 'old'],
      ['Blob', 'tenant=2,hash=a', 'old'],
      ['Blob', 'tenant=1,hash=b', ['held']],
      ['Blob', 'tenant=3,hash=c', ['too-young']],
    ],
  },
  {
    name: 'the newest of each group by a key of several columns',
    schema: BLOBS,
    entities: [Blob, Page],
    passes: [
      expireRows({
        name: 'old',
        entity: Page,
        age: 'at',
        olderThan: '10 days',
        keepLast: { count: 1, per: ['blob'] },
      }),
    ],
    deleted: { old: { page: 1 } },
    onlyCounted: true,
    left: { blob: [1, 2, 3, 4], page: [2, 3, 4] },
    explained: [
      ['Page', 1, 'old'],
      ['Page', 2, ['too-young', 'kept-newest']],
      ['Page', 3, ['too-young', 'kept-newest']],
      ['Page', 4, ['kept-newest']],
    ],
  },
];
