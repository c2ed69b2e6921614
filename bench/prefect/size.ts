/** How large a Prefect database to measure on. */
export interface PrefectSize {
  readonly name: 'large' | 'small' | 'smoke';
  readonly title: string;
  /** Flow runs; everything else is in proportion. */
  readonly runs: number;
}

/** What `--size` takes. `smoke` is only to see that all of it runs. */
export const SIZES: Readonly<Record<PrefectSize['name'], PrefectSize>> = {
  large: {
    name: 'large',
    title: 'a Prefect of 100,000 flow runs, 3 million logs and 2 million events',
    runs: 100_000,
  },
  small: { name: 'small', title: 'a Prefect a sixth as large', runs: 16_666 },
  smoke: { name: 'smoke', title: 'a tiny Prefect', runs: 400 },
};
