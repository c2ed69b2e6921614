import { OLDER_POSTGRESQL, postgresql, STOCK_POSTGRESQL } from '../support/parts/bring.ts';
import { describeAsNewest } from '../support/whole-engine.ts';

for (const major of OLDER_POSTGRESQL) {
  describeAsNewest({
    version: String(major),
    part: `postgresql-${major}`,
    folder: postgresql(major).folder,
  });
}
describeAsNewest({ version: '15 of Debian', part: 'stock-postgresql', folder: STOCK_POSTGRESQL.folder });
