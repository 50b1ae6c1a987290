import { defineConfig } from 'vitest/config';

/** The tests on an AWS account, which `npm run test:cloud` starts, and the template tests of the rooms beside them. */
export default defineConfig({
  test: {
    include: ['{cloud,device,scripts}/**/*.cloud.test.ts', 'cloud/*/stack.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
