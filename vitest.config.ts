import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['device/**/*.test.ts', 'scripts/**/*.test.ts', 'cloud/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', '**/*.cloud.test.ts'],
    // Ends what hangs; a machine with other work may take long for what starts processes.
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
