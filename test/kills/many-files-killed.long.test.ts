import { afterAll, test } from '@jest/globals';

import { KilledPictures } from '../support/killed-pictures.ts';
import { describeNeeding } from '../support/needing.ts';
import { SEED } from '../support/random.ts';
import { TemporalSession } from '../support/temporal.ts';

describeNeeding(['temporal'], 'a worker that dies while it removes many rows and their files', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test(`by SIGKILL at any moment, 100,000 files, TEST_SEED=${SEED}: each counted once, none of a living row lost`, async () => {
    await KilledPictures.killAtRandom(session, 100_000, [
      [0, 0.9],
      [1, 1.8],
    ]);
  }, 240_000);
});
