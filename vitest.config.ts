import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['device/**/*.test.ts', 'scripts/**/*.test.ts', 'cloud/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', '**/*.cloud.test.ts'],
    testTimeout: 20_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
