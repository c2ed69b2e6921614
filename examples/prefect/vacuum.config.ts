import { defineConfig, prefect } from 'temporal-vacuum';

// The preset with settings in code. Without this file the same is said by `--preset prefect --set ...`.
export default defineConfig({
  databases: { main: () => process.env['PREFECT_API_DATABASE_CONNECTION_URL'] ?? '' },
  policies: [
    prefect({ enabled: true, retentionPeriod: '30 days', cron: '30 2 * * *', timezone: 'Asia/Bangkok' }),
  ],
});
