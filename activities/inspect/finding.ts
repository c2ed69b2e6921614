/** One thing that the doctor looked at. Shown on this machine only, so that it may name tables. */
export interface Finding {
  readonly about: string;
  /** `ok`; `advice`: works, and could work better; `problem`: runs fail until it is mended. */
  readonly state: 'ok' | 'advice' | 'problem';
  readonly what: string;
  /** What to do, if there is something. */
  readonly fix?: string;
}
