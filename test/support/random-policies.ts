import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../policy/expire-rows.ts';
import { latestPointer } from '../../policy/latest-pointer.ts';
import type { Pass } from '../../policy/pass.ts';
import { repointLatest } from '../../policy/repoint-latest.ts';
import type { Row, World } from './random-world.ts';
import { findAge, NewestSurvivors } from './random-world.ts';

// Random passes, each with the same meaning in plain loops over rows.

const instant = () => p.datetime().columnType('timestamptz').nullable();

export const Owner = defineEntity({
  name: 'Owner',
  properties: { id: p.integer().primary(), kind: p.string() },
});
export const Item = defineEntity({
  name: 'Item',
  properties: {
    id: p.integer().primary(),
    ownerId: p.integer().nullable(),
    owner: () => p.manyToOne(Owner).nullable().persist(false).joinColumn('owner_id'),
    grp: p.integer().nullable(),
    state: p.string(),
    days: p.integer().nullable(),
    at: instant(),
    ended: instant(),
  },
});
export const Child = defineEntity({
  name: 'Child',
  properties: { id: p.integer().primary(), itemId: p.integer().nullable(), at: instant() },
});
export const Note = defineEntity({
  name: 'Note',
  properties: {
    id: p.integer().primary(),
    itemId: p.integer().nullable(),
    grp: p.integer().nullable(),
    at: instant(),
  },
});
export const Latest = defineEntity({
  name: 'Latest',
  properties: { id: p.integer().primary(), grp: p.integer().nullable(), noteId: p.integer().nullable() },
});
export const Tag = defineEntity({ name: 'Tag', properties: { id: p.integer().primary(), at: instant() } });
export const Tagging = defineEntity({
  name: 'Tagging',
  properties: { id: p.integer().primary(), tagId: p.integer().nullable() },
});
export const ENTITIES = [Owner, Item, Child, Note, Latest, Tag, Tagging];

/** A pass, and what it does to a world. `start` is the world when the run started. */
export interface RandomPass {
  readonly pass: Pass;
  readonly apply: (world: World, start: World) => void;
}

/** A filter, and the same as a function. */
interface Filter {
  readonly where: object;
  readonly matches: (row: Row, world: World) => boolean;
}

const POINTER = latestPointer({
  holder: Latest,
  pointer: 'noteId',
  target: Note,
  group: 'grp',
  newest: 'at',
});
const HOUR = 3_600_000;

/** Makes passes by random numbers. */
export class PolicyMaker {
  readonly #random: () => number;
  #passes = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** One to four passes in any order. */
  makePasses(): RandomPass[] {
    const kinds = [
      () => this.#expireItems(),
      () => this.#expireItems(),
      () => this.#expireChildren(),
      () => this.#limitChildren(),
      () => this.#orphanNotes(),
      () => this.#unreferencedTags(),
      () => this.#repoint(),
    ];
    return Array.from({ length: 1 + this.#below(4) }, () => this.pick(kinds)());
  }

  pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  chance(part: number): boolean {
    return this.#random() < part;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #name(): string {
    this.#passes += 1;
    return `pass-${this.#passes}`;
  }

  #hours(): number {
    return this.pick([24, 48, 100, 240]);
  }

  #filter(): Filter {
    const [grp, state] = [this.#below(4), this.pick(['open', 'done', 'lost'])];
    return this.pick<Filter>([
      { where: { state }, matches: (row) => row['state'] === state },
      {
        where: { state: { $in: [state, 'done'] } },
        matches: (row) => [state, 'done'].includes(String(row['state'])),
      },
      { where: { state: { $like: 'do%' } }, matches: (row) => String(row['state']).startsWith('do') },
      { where: { grp: { $ne: grp } }, matches: (row) => row['grp'] !== null && row['grp'] !== grp },
      { where: { grp: { $lt: grp } }, matches: (row) => row['grp'] !== null && Number(row['grp']) < grp },
      { where: { ownerId: null }, matches: (row) => row['owner_id'] === null },
      {
        where: { $or: [{ grp }, { state }] },
        matches: (row) => row['grp'] === grp || row['state'] === state,
      },
      {
        where: { owner: { kind: 'a' } },
        matches: (row, world) => world.find('owner', row['owner_id'])?.['kind'] === 'a',
      },
    ]);
  }

  #expireItems(): RandomPass {
    const name = this.#name();
    const filter = this.chance(0.6) ? this.#filter() : undefined;
    const ages = this.pick([['at'], ['ended', 'at']] as const);
    const keep = this.chance(0.4)
      ? { count: 1 + this.#below(3), per: this.pick([['grp'], ['state'], ['grp', 'state']] as const) }
      : undefined;
    const byColumn = this.chance(0.3);
    const own = this.#hours();
    const overrides = Array.from({ length: this.#below(3) }, () => ({
      filter: this.#filter(),
      hours: this.chance(0.2) ? null : this.#hours(),
      keeps: this.chance(0.7),
    }));
    const withNotes = this.chance(0.6);
    const repoints = withNotes && this.chance(0.6);
    const noteGroups = this.chance(0.4) ? [this.#below(4), this.#below(4)] : undefined;
    const notes = softChild({
      entity: Note,
      by: 'itemId',
      repoint: repoints ? [POINTER] : [],
      ...(noteGroups === undefined ? {} : { where: { grp: { $in: noteGroups } } }),
    });
    const pass = expireRows({
      name,
      entity: Item,
      age: [...ages],
      olderThan: byColumn ? { column: 'days', unit: 'days', default: `${own}h` } : `${own}h`,
      ...(filter === undefined ? {} : { where: filter.where }),
      ...(keep === undefined ? {} : { keepLast: { count: keep.count, per: [...keep.per] } }),
      overrides: overrides.map(({ filter: { where }, hours, keeps }) => ({
        where,
        olderThan: hours === null ? null : (`${hours}h` as const),
        ...(keep === undefined || keeps ? {} : { keepLast: null }),
      })),
      with: withNotes ? [notes] : [],
    } as never);
    const makeRetention = (
      row: Row,
      world: World,
    ): { index: number; horizon: number | null; keep: typeof keep } => {
      const at = overrides.findIndex((override) => override.filter.matches(row, world));
      const found = overrides[at];
      const since = (hours: number | null): number | null =>
        hours === null ? null : world.now - hours * HOUR;
      if (found !== undefined) {
        return { index: at, horizon: since(found.hours), keep: found.keeps ? keep : undefined };
      }
      const { days } = row;
      // A number of less than an hour keeps its row.
      const hours = byColumn && days !== null ? Number(days) * 24 : own;
      return { index: overrides.length, horizon: hours < 1 ? null : since(hours), keep };
    };
    const findGroup = (row: Row, world: World): string => {
      const { index, keep: kept } = makeRetention(row, world);
      return JSON.stringify([index, ...(kept?.per ?? []).map((column) => row[column])]);
    };
    const isCandidate = (row: Row, world: World): boolean =>
      (filter === undefined || filter.matches(row, world)) && findAge(row, ages) !== null;
    return {
      pass,
      apply: (world, start) => {
        const kept = new Map<string, number[]>();
        const newestFirst = start
          .rows('item')
          .toSorted((a, b) => (findAge(b, ages) ?? 0) - (findAge(a, ages) ?? 0) || b.id - a.id);
        for (const row of newestFirst) {
          const { keep: own_ } = makeRetention(row, start);
          if (own_ === undefined || !isCandidate(row, start)) continue;
          const group = findGroup(row, start);
          const list = kept.get(group) ?? [];
          if (list.length < own_.count) kept.set(group, [...list, row.id]);
        }
        const isDeletable = (row: Row): boolean => {
          const { horizon, keep: count } = makeRetention(row, world);
          const age = findAge(row, ages);
          if (!isCandidate(row, world) || age === null || horizon === null || age >= horizon) return false;
          if (count === undefined) return true;
          const group = findGroup(row, world);
          const list = kept.get(group) ?? [];
          const there = list.filter((id) => {
            const other = world.find('item', id);
            return other !== undefined && isCandidate(other, world) && findGroup(other, world) === group;
          });
          return !list.includes(row.id) && there.length >= count.count;
        };
        const deleted = world.rows('item').filter(isDeletable);
        const ids = new Set(deleted.map(({ id }) => id));
        world.delete('item', ids);
        if (!withNotes) return;
        const owned = world.rows('note').filter((note) => ids.has(Number(note['item_id'] ?? -1)));
        const meant = owned.filter(
          ({ grp }) => noteGroups === undefined || (grp !== null && noteGroups.includes(Number(grp))),
        );
        world.delete('note', new Set(meant.map(({ id }) => id)));
        if (repoints) repair(world, new Set(meant.map((note) => note['grp'])));
      },
    };
  }

  #expireChildren(): RandomPass {
    const hours = this.#hours();
    return {
      pass: expireRows({ name: this.#name(), entity: Child, age: 'at', olderThan: `${hours}h` }),
      apply: (world) => world.deleteWhere('child', (row) => isOlder(row, world, hours)),
    };
  }

  /** At most so many children: those that are older than the last of the newest go, and those past the retention. */
  #limitChildren(): RandomPass {
    const hours = this.chance(0.5) ? this.#hours() : null;
    const rows = 1 + this.#below(25);
    return {
      pass: expireRows({
        name: this.#name(),
        entity: Child,
        age: 'at',
        olderThan: hours === null ? null : `${hours}h`,
        keepAtMost: { rows },
      }),
      apply: (world, start) => {
        const ages = start.rows('child').flatMap((row) => findAge(row, ['at']) ?? []);
        const last = ages.toSorted((a, b) => b - a)[rows - 1];
        world.deleteWhere('child', (row) => {
          const age = findAge(row, ['at']);
          const isBeyond = age !== null && last !== undefined && age < last;
          return isBeyond || (hours !== null && isOlder(row, world, hours));
        });
      },
    };
  }

  #orphanNotes(): RandomPass {
    const hours = this.#hours();
    const repoints = this.chance(0.5);
    return {
      pass: deleteOrphans({
        name: this.#name(),
        entity: Note,
        by: 'itemId',
        parent: Item,
        age: 'at',
        grace: `${hours}h`,
        repoint: repoints ? [POINTER] : [],
      }),
      apply: (world) => {
        const orphans = world
          .rows('note')
          .filter((row) => row['item_id'] !== null && world.find('item', row['item_id']) === undefined)
          .filter((row) => isOlder(row, world, hours));
        world.delete('note', new Set(orphans.map(({ id }) => id)));
        if (repoints) repair(world, new Set(orphans.map((row) => row['grp'])));
      },
    };
  }

  #unreferencedTags(): RandomPass {
    const hours = this.#hours();
    const below = this.chance(0.5) ? 1 + this.#below(20) : undefined;
    const where = below === undefined ? {} : { where: { id: { $lt: below } } };
    return {
      pass: deleteUnreferenced({
        name: this.#name(),
        entity: Tag,
        age: 'at',
        grace: `${hours}h`,
        references: [softReference({ entity: Tagging, by: 'tagId', ...where })],
      }),
      apply: (world) => {
        const counting = world.rows('tagging').filter(({ id }) => below === undefined || id < below);
        const named = new Set(counting.map((row) => row['tag_id']));
        world.deleteWhere('tag', (row) => !named.has(row.id) && isOlder(row, world, hours));
      },
    };
  }

  #repoint(): RandomPass {
    return {
      pass: repointLatest({ name: this.#name(), pointer: POINTER }),
      apply: (world) => repair(world, undefined),
    };
  }
}

function isOlder(row: Row, world: World, hours: number): boolean {
  const age = findAge(row, ['at']);
  return age !== null && age < world.now - hours * HOUR;
}

/** Moves pointers at nothing to the newest note of their group, or deletes them; of some groups, or of all. */
function repair(world: World, groups: ReadonlySet<unknown> | undefined): void {
  const newest = new NewestSurvivors(world.rows('note'));
  for (const holder of world.rows('latest')) {
    const { grp, note_id: note } = holder;
    if (grp === null || note === null || world.find('note', note) !== undefined) continue;
    if (groups !== undefined && !groups.has(grp)) continue;
    const survivor = newest.find(grp);
    if (survivor === undefined) world.delete('latest', new Set([holder.id]));
    else world.set('latest', { ...holder, note_id: survivor.id });
  }
}
