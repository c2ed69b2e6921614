import type { Session } from '../dialect/dialect.ts';
import type { PreviewedRows } from '../stored/guard.ts';
import type { RunPass } from '../stored/run.ts';

/** A preview permits so many times what it showed: rows expire and arrive before the run begins. */
const PERMITTED_FACTOR = 1.5;

/** What a preview showed of a table or of the files of a pass, and what it permits. */
interface Permit {
  readonly shown: number;
  readonly permitted: number;
  /** When the preview counted; ISO 8601. */
  readonly at: string;
}

/** The previews of the last 24 hours: somebody looked at these numbers, and at no larger ones. */
export class Previews {
  readonly #previews: readonly PreviewedRows[];

  private constructor(previews: readonly PreviewedRows[]) {
    this.#previews = previews;
  }

  static async read(
    { ledger }: Pick<Session, 'ledger'>,
    policy: string,
    passes: readonly Pick<RunPass, 'name' | 'settingsHash'>[],
  ): Promise<Previews> {
    return new Previews(await ledger.guards.findPreviewed(policy, passes));
  }

  /** What may be deleted from a table, by its label; undefined if nobody previewed the pass. */
  findRows(pass: string, label: string): Permit | undefined {
    return this.#findLargest(pass, ({ deleted }) => deleted[label] ?? 0);
  }

  /** How many files a pass may remove; undefined if nobody previewed it. */
  findFiles(pass: string): Permit | undefined {
    return this.#findLargest(pass, ({ files }) => files);
  }

  #findLargest(pass: string, count: (preview: PreviewedRows) => number): Permit | undefined {
    const permits = this.#previews
      .filter((preview) => preview.pass === pass)
      .map((preview): Permit => {
        const shown = count(preview);
        return { shown, permitted: Math.ceil(PERMITTED_FACTOR * shown), at: preview.at };
      });
    return permits.toSorted((a, b) => a.shown - b.shown).at(-1);
  }
}

/** Tells that a preview showed less, as the end of a sentence; empty without a preview. */
export function describePermit(pass: string, permit: Permit | undefined): string {
  if (permit === undefined) return '';
  const { shown, permitted, at } = permit;
  return `; the preview of ${at} showed ${shown.toLocaleString('en')} by pass ${pass}, which permits ${permitted.toLocaleString('en')}`;
}
