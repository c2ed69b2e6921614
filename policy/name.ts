import { z } from 'zod';

import { withFix } from './zod-issues.ts';

const Name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

/** The name of a policy, a pass or a root, which stands in `places`. */
export function nameFor(places: string): z.ZodType<string> {
  return withFix(
    Name,
    'Use 1 to 63 lower-case letters, digits and dashes',
    () => `its name cannot be used in ${places}`,
  );
}
