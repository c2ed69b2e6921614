import type { ModelRow, ModelWorld } from './model-world.ts';

/** Which artifact each collection names, and the repair of those that name one that is gone. */
export class ModelCollections {
  readonly latest: Map<string, string>;
  readonly #world: ModelWorld;

  constructor(world: ModelWorld) {
    this.#world = world;
    this.latest = new Map(world.left('artifact_collection').map(({ id, run }) => [id, run ?? '']));
  }

  /** Repairs collections of some keys, or all, that name an artifact that is not there. */
  repair(keys?: ReadonlySet<string | null>): void {
    const alive = this.#world.left('artifact');
    for (const collection of this.#world.left('artifact_collection')) {
      const { id, name: key } = collection;
      if (keys?.has(key) === false || this.#world.has('artifact', this.latest.get(id) ?? '')) continue;
      const newest = alive
        .filter(({ name }) => name === key)
        .toSorted(byAge)
        .at(-1);
      if (newest !== undefined) this.latest.set(id, newest.id);
      else {
        this.#world.take([collection]);
        this.latest.delete(id);
      }
    }
  }
}

function byAge(a: ModelRow, b: ModelRow): number {
  const apart = (a.at ?? 0) - (b.at ?? 0);
  if (apart !== 0) return apart;
  return a.id < b.id ? -1 : 1;
}
