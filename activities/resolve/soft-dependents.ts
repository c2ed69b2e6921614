import type { SoftChild } from '../../policy/expire-rows.ts';
import type { FileRoot } from '../../policy/file-root.ts';
import type { LatestPointer } from '../../policy/latest-pointer.ts';
import type { AnyEntity } from '../../policy/pass-options.ts';

/** What belongs to rows of an entity although no foreign key says so, as a pass names it. */
export interface SoftDependent {
  readonly entity: AnyEntity;
  readonly to:
    | { readonly child: AnyEntity; readonly by: string }
    | { readonly pointer: LatestPointer }
    | { readonly root: string };
}

/** Soft children of an entity, with what belongs to them in turn. */
export function listSoftChildren(entity: AnyEntity, children: readonly SoftChild[]): SoftDependent[] {
  return children.flatMap((child) => [
    { entity, to: { child: child.entity, by: child.by } },
    ...child.repoint.map(toSoftDependent),
    ...listSoftChildren(child.entity, child.with),
  ]);
}

export function toSoftDependent(pointer: LatestPointer): SoftDependent {
  return { entity: pointer.target, to: { pointer } };
}

/** The files that rows record. */
export function listRecordedFiles(roots: readonly FileRoot[]): SoftDependent[] {
  return roots.flatMap(({ name, recordedBy }) =>
    recordedBy.map(({ entity }) => ({ entity, to: { root: name } })),
  );
}
