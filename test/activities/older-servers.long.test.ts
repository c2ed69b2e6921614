import { OLDER_POSTGRESQL, postgresql } from '../support/parts/bring.ts';
import { describeAsNewest } from '../support/whole-engine.ts';

for (const major of OLDER_POSTGRESQL) {
  describeAsNewest({
    version: String(major),
    part: `postgresql-${major}`,
    folder: postgresql(major).folder,
  });
}
