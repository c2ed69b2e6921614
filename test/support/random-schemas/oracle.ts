import type { Step } from './policy.ts';
import { DAY } from './shape.ts';
import type { Child, Parent, World } from './world.ts';

// What a policy deletes, by what the documentation says, in plain loops over all rows.

/** Rows that a hold names. */
export interface Held {
  readonly parents: readonly number[];
  readonly children: readonly number[];
}

/** Removes from a world what the steps delete, one after the other. */
export function vacuum(world: World, steps: readonly Step[], held: Held): void {
  // Which newest rows stay is found when the run begins.
  const kept = steps.map((step) => findNewest(world, step));
  for (const [n, step] of steps.entries()) {
    switch (step.kind) {
      case 'expire parents':
        deleteParents(world, step.takesChildren, held, (parent) =>
          isExpiredParent(world, step, parent, kept[n] ?? []),
        );
        break;
      case 'unreferenced':
        deleteParents(world, false, held, (parent) => isUnreferenced(world, step, parent));
        break;
      case 'expire children':
        deleteChildren(world, held, (child) => isExpiredChild(world, step, child));
        break;
      case 'orphans':
        deleteChildren(
          world,
          held,
          (child) =>
            isOlder(child.at, world.now - step.days * DAY) &&
            child.ref !== null &&
            findParent(world, child) === undefined,
        );
        break;
    }
  }
}

type ExpireParents = Step & { readonly kind: 'expire parents' };

function isOlder(at: number | null, horizon: number | null): boolean {
  return at !== null && horizon !== null && at < horizon;
}

/** No retention is longer, but for one for ever. */
const MOST_DAYS = 2000 * 365;

/** The horizon of so many days; none keeps for ever, and so does less than an hour from a column, or too much. */
function toHorizon(now: number, days: number | null): number | null {
  return days === null || days <= 0 || days > MOST_DAYS ? null : now - days * DAY;
}

function findParent({ parents, shape }: World, { ref }: Child): Parent | undefined {
  for (const parent of parents) if (ref !== null && parent[shape.names] === ref) return parent;
  return undefined;
}

function matches({ where }: ExpireParents, { state, group }: Parent): boolean {
  if (where === 'all') return true;
  return state === 'done' || (where === 'done or without a group' && group === null);
}

/** Whether the override counts for a parent. */
function isLegal({ legal }: ExpireParents, { state }: Parent): boolean {
  return legal !== undefined && state === 'legal';
}

interface Group {
  readonly legal: boolean;
  readonly group: number | null;
  readonly ids: readonly number[];
}

/** The newest of each group, among those of its retention. */
function findNewest({ parents }: World, step: Step): Group[] {
  if (step.kind !== 'expire parents' || step.keep === undefined) return [];
  const groups: Group[] = [];
  for (const legal of [true, false]) {
    for (const group of new Set(parents.map((parent) => parent.group))) {
      const own = parents.filter(
        (parent) =>
          parent.group === group &&
          isLegal(step, parent) === legal &&
          matches(step, parent) &&
          parent.at !== null,
      );
      own.sort((a, b) => {
        const [one, other] = [a.at ?? 0, b.at ?? 0];
        return one === other ? b.id - a.id : one < other ? 1 : -1;
      });
      groups.push({ legal, group, ids: own.slice(0, step.keep).map(({ id }) => id) });
    }
  }
  return groups;
}

function isExpiredParent(
  { parents, now }: World,
  step: ExpireParents,
  parent: Parent,
  kept: readonly Group[],
): boolean {
  if (!matches(step, parent)) return false;
  const legal = isLegal(step, parent);
  const days = legal ? (step.legal?.days ?? null) : step.days;
  const horizon =
    typeof days === 'object' && days !== null
      ? toHorizon(now, parent.days ?? days.otherwise)
      : toHorizon(now, days);
  if (!isOlder(parent.at, horizon)) return false;
  if (step.keep === undefined) return true;
  const group = kept.find((one) => one.legal === legal && one.group === parent.group);
  if (group === undefined || group.ids.length < step.keep || group.ids.includes(parent.id)) return false;
  // If some of those that are to stay are deleted meanwhile, the group waits.
  return group.ids.every((id) => parents.some((other) => other.id === id));
}

function isUnreferenced(
  { shape, now, children, twins, tags }: World,
  { days, countsChildren }: Step & { readonly kind: 'unreferenced' },
  parent: Parent,
): boolean {
  if (!isOlder(parent.at, now - days * DAY)) return false;
  for (const code of tags) if (code === parent.code) return false;
  if (!countsChildren && shape.foreignKey === 'none') return true;
  for (const { ref } of [...children, ...twins]) if (ref === parent[shape.names]) return false;
  return true;
}

function isExpiredChild(
  world: World,
  { days, where }: Step & { readonly kind: 'expire children' },
  child: Child,
): boolean {
  const parent = findParent(world, child);
  if (where === 'parent is done' && parent?.state !== 'done') return false;
  const own = typeof days === 'number' ? days : (parent?.days ?? days.otherwise);
  return isOlder(child.at, toHorizon(world.now, own));
}

function deleteChildren(world: World, { children }: Held, which: (child: Child) => boolean): void {
  const gone = new Set(world.children.filter((child) => which(child) && !children.includes(child.id)));
  world.children = world.children.filter((child) => !gone.has(child));
}

/** Deletes parents, with the children that go along; a held one keeps its parent. Heirs have no foreign key. */
function deleteParents(
  world: World,
  takesChildren: boolean,
  held: Held,
  which: (parent: Parent) => boolean,
): void {
  const { names, foreignKey } = world.shape;
  const along = takesChildren || foreignKey === 'cascade';
  const isHeld = (parent: Parent): boolean =>
    held.parents.includes(parent.id) ||
    (along &&
      world.children.some((child) => child.ref === parent[names] && held.children.includes(child.id)));
  const gone = new Set(world.parents.filter((parent) => which(parent) && !isHeld(parent)));
  world.parents = world.parents.filter((parent) => !gone.has(parent));
  const keys = new Set([...gone].map((parent) => parent[names]));
  world.twins = world.twins.filter(({ ref }) => ref === null || !keys.has(ref));
  if (along) world.children = world.children.filter(({ ref }) => ref === null || !keys.has(ref));
  else if (foreignKey === 'set null') {
    for (const child of world.children) if (child.ref !== null && keys.has(child.ref)) child.ref = null;
  }
}
