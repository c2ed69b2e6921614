import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';
import { justOver } from './option.ts';
import { Blob, BLOBS, Data, DATA, Line, LINES, old, oldBlob, Order, Page } from './orders.ts';

/** By what rows reference others. */
export const REFERENCES: readonly Option[] = [
  {
    name: 'soft children by a unique key',
    schema: LINES,
    entities: [Order, Line],
    passes: [expireRows({ ...old, olderThan: '10 days', with: [softChild({ entity: Line, by: 'order' })] })],
    deleted: { old: { orders: 2, line: 1 } },
    left: { orders: [2], line: [11, 90, 99] },
    explained: [
      ['Order', 1, 'old'],
      ['Order', 2, ['too-young']],
      ['Line', 21, 'old'],
      ['Line', 11, ['too-young']],
      ['Line', 99, []],
    ],
  },
  {
    name: 'soft references by a unique key',
    schema: LINES,
    entities: [Order, Line],
    passes: [
      deleteUnreferenced({
        ...old,
        grace: '10 days',
        references: [softReference({ entity: Line, by: 'order' })],
      }),
    ],
    deleted: { old: { orders: 1 } },
    left: { orders: [1, 2], line: [11, 21, 90, 99] },
    explained: [
      ['Order', 3, 'old'],
      ['Order', 1, ['referenced']],
      ['Order', 2, ['too-young', 'referenced']],
    ],
  },
  {
    name: 'soft children by a key that is kept as text',
    schema: DATA,
    entities: [Order, Data],
    passes: [
      expireRows({
        ...old,
        olderThan: '10 days',
        with: [softChild({ entity: Data, by: 'orderId', as: 'text' })],
      }),
    ],
    deleted: { old: { orders: 2, data: 1 } },
    left: { orders: [2], data: [2, 3, 4, 5] },
    explained: [
      ['Order', 1, 'old'],
      ['Order', 2, ['too-young']],
      ['Data', 1, 'old'],
      ['Data', 2, ['too-young']],
      ['Data', 3, []],
    ],
  },
  {
    name: 'soft references by a key that is kept as text',
    schema: DATA,
    entities: [Order, Data],
    passes: [
      deleteUnreferenced({
        ...old,
        grace: '10 days',
        references: [softReference({ entity: Data, by: 'orderId', as: 'text' })],
      }),
    ],
    deleted: { old: { orders: 1 } },
    left: { orders: [1, 2], data: [1, 2, 3, 4, 5] },
    explained: [
      ['Order', 3, 'old'],
      ['Order', 1, ['referenced']],
      ['Order', 2, ['too-young', 'referenced']],
    ],
  },
  {
    name: 'soft children of several columns',
    schema: `${BLOBS}
      insert into page values (5, 3, 'c', ${justOver(10)});`,
    entities: [Blob, Page],
    passes: [
      expireRows({ ...oldBlob, olderThan: '10 days', with: [softChild({ entity: Page, by: 'blob' })] }),
    ],
    deleted: { old: { blob: 3, page: 2 } },
    left: { blob: [4], page: [2, 4, 5] },
    explained: [
      ['Blob', 'tenant=1,hash=a', 'old'],
      ['Blob', 'tenant=3,hash=c', ['too-young']],
      ['Page', 1, 'old'],
      ['Page', 3, 'old'],
      ['Page', 2, []],
      ['Page', 4, []],
      ['Page', 5, ['too-young']],
    ],
  },
  {
    name: 'soft references of several columns',
    schema: BLOBS,
    entities: [Blob, Page],
    passes: [
      deleteUnreferenced({
        ...oldBlob,
        grace: '10 days',
        references: [softReference({ entity: Page, by: 'blob' })],
      }),
    ],
    deleted: { old: { blob: 2 } },
    left: { blob: [1, 4], page: [1, 2, 3, 4] },
    explained: [
      ['Blob', 'tenant=2,hash=a', 'old'],
      ['Blob', 'tenant=1,hash=b', 'old'],
      ['Blob', 'tenant=1,hash=a', ['referenced']],
      ['Blob', 'tenant=3,hash=c', ['too-young']],
    ],
  },
];
