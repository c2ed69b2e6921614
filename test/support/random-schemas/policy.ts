import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { chance, choose } from './choose.ts';
import type { Random } from './choose.ts';
import type { Shape } from './shape.ts';

/** How long rows are kept, in days: a number, what the column says, or for ever. */
type Retention = number | null | { readonly otherwise: number | null };

/** A pass, as data for those who make a policy of it and for those who say by themselves what it deletes. */
export type Step =
  | {
      readonly kind: 'expire parents';
      readonly days: Retention;
      readonly where: 'all' | 'done' | 'done or without a group';
      /** Another retention of parents in state `legal`. */
      readonly legal: { readonly days: number | null } | undefined;
      readonly keep: number | undefined;
      readonly takesChildren: boolean;
    }
  | {
      readonly kind: 'expire children';
      /** Of the child itself, or what the column of its parent says. */
      readonly days: number | { readonly otherwise: number | null };
      readonly where: 'all' | 'parent is done';
    }
  | { readonly kind: 'orphans'; readonly days: number }
  | { readonly kind: 'unreferenced'; readonly days: number; readonly countsChildren: boolean };

const DAYS = [10, 20, 30, 60];

/** Whether passes may delete children by themselves, or as soft children: else the program refuses them. */
function canName({ hasHeirs, odd }: Shape): Record<'expire' | 'orphans' | 'soft', boolean> {
  const isOrdinary = odd === 'named heirs' || !hasHeirs;
  const isWhole = isOrdinary && odd !== 'partitioned';
  return { expire: isOrdinary, orphans: isWhole, soft: isWhole };
}

export function makeSteps(random: Random, shape: Shape): Step[] {
  const can = canName(shape);
  const days = (): number => choose(random, DAYS);
  const otherwise = (): number | null => (chance(random, 0.5) ? null : days());
  const makers: (() => Step)[] = [
    () => ({
      kind: 'expire parents',
      days: choose<() => Retention>(random, [days, days, () => ({ otherwise: otherwise() })])(),
      where: choose(random, ['all', 'done', 'done or without a group']),
      legal: chance(random, 0.4) ? { days: otherwise() } : undefined,
      keep: chance(random, 0.4) ? choose(random, [1, 2]) : undefined,
      takesChildren: can.soft && chance(random, 0.5),
    }),
    () => ({ kind: 'unreferenced', days: days(), countsChildren: can.expire && chance(random, 0.5) }),
  ];
  if (can.orphans) makers.push(() => ({ kind: 'orphans', days: days() }));
  if (can.expire) makers.push(() => ({ kind: 'expire children', days: days(), where: 'all' }));
  const steps = Array.from({ length: 1 + Math.floor(random() * 3) }, () => choose(random, makers)());
  // A preview reads parents as they are, whatever earlier passes do to them: only the first pass looks at them.
  if (!can.expire || !chance(random, 0.3)) return steps;
  const isParent = shape.isRelation && shape.odd !== 'other entity';
  const where = isParent && chance(random, 0.5) ? 'parent is done' : 'all';
  const first: Step = { kind: 'expire children', days: { otherwise: otherwise() }, where };
  return [first, ...steps];
}

/** Whether the program must refuse a policy: it could only guess which rows are meant. */
export function isRefused(steps: readonly Step[], { odd }: Shape): boolean {
  const isNamed = steps.some(
    (step) =>
      step.kind === 'orphans' ||
      (step.kind === 'expire parents' && step.takesChildren) ||
      (step.kind === 'unreferenced' && step.countsChildren) ||
      (step.kind === 'expire children' && (odd === 'named heirs' || typeof step.days === 'object')),
  );
  return isNamed && ['incomparable', 'other entity', 'named heirs'].includes(odd);
}

/** The policy of some steps, over entities for the shape. */
export function makePolicy(steps: readonly Step[], shape: Shape): Policy {
  const entities = makeEntities(shape);
  return definePolicy({
    name: 'random',
    enabled: true,
    entities: [entities.parent, entities.tag, ...(canName(shape).expire ? [entities.child] : [])],
    limits: { maxPercent: 100 },
    passes: steps.map((step, n) => makePass(`pass-${n}`, step, entities)),
  });
}

interface Entities {
  readonly parent: AnyEntity;
  readonly child: AnyEntity;
  readonly tag: AnyEntity;
}

function makeEntities({ names, isRelation, odd }: Shape): Entities {
  const Parent = defineEntity({
    name: 'Parent',
    properties: {
      id: p.integer().primary(),
      code: p.string().unique(),
      group: p.string().fieldName('grp').nullable(),
      state: p.string(),
      at: p.datetime().nullable(),
      days: p.integer().nullable(),
    },
  });
  const named = () =>
    odd === 'other entity'
      ? p.manyToOne(Tag)
      : names === 'id'
        ? p.manyToOne(Parent)
        : p.manyToOne(Parent).targetKey('code');
  const Child = defineEntity({
    name: 'Child',
    properties: {
      id: p.integer().primary(),
      ref: isRelation ? () => named().fieldName('ref').nullable() : p.string().nullable(),
      at: p.datetime().nullable(),
    },
  });
  const Tag = defineEntity({
    name: 'Tag',
    properties: {
      id: p.integer().primary(),
      parent: () => p.manyToOne(Parent).targetKey('code').fieldName('code').nullable(),
    },
  });
  return { parent: Parent, child: Child, tag: Tag };
}

function makePass(name: string, step: Step, { parent, child, tag }: Entities): Pass {
  const toDays = (days: number): `${number} days` => `${days} days`;
  const orForEver = (days: number | null): `${number} days` | null => (days === null ? null : toDays(days));
  switch (step.kind) {
    case 'expire parents': {
      const { days, where, legal, keep, takesChildren } = step;
      const done = { state: 'done' };
      return expireRows({
        name,
        entity: parent,
        age: 'at',
        olderThan:
          typeof days === 'object' && days !== null
            ? { column: 'days', unit: 'days', default: orForEver(days.otherwise) }
            : orForEver(days),
        ...(where === 'all' ? {} : { where: where === 'done' ? done : { $or: [done, { group: null }] } }),
        ...(legal === undefined
          ? {}
          : { overrides: [{ where: { state: 'legal' }, olderThan: orForEver(legal.days) }] }),
        ...(keep === undefined ? {} : { keepLast: { count: keep, per: ['group'] } }),
        ...(takesChildren ? { with: [softChild({ entity: child, by: 'ref' })] } : {}),
      });
    }
    case 'expire children': {
      const { days, where } = step;
      return expireRows({
        name,
        entity: child,
        age: 'at',
        olderThan:
          typeof days === 'number'
            ? toDays(days)
            : {
                parent,
                by: 'ref',
                column: 'days',
                unit: 'days',
                default: orForEver(days.otherwise),
              },
        ...(where === 'all' ? {} : { where: { ref: { state: 'done' } } }),
      });
    }
    case 'orphans':
      return deleteOrphans({
        name,
        entity: child,
        by: 'ref',
        parent,
        age: 'at',
        grace: toDays(step.days),
      });
    case 'unreferenced':
      return deleteUnreferenced({
        name,
        entity: parent,
        age: 'at',
        grace: toDays(step.days),
        references: [
          softReference({ entity: tag, by: 'parent' }),
          ...(step.countsChildren ? [softReference({ entity: child, by: 'ref' })] : []),
        ],
      });
  }
}
