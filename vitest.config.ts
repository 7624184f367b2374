import { defineConfig } from 'vitest/config';
import { CONTAINER_ENV as containerEnv } from './test/harness/containers/containers.ts';

/** The projects: `unit` (pure, parallel); `contract` and `scenarios` (start servers, so few at a time); `containers` (the deployment; wants Docker). */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/vectors/**/*.test.ts'],
          testTimeout: 10_000,
          // A process for each of a hundred files takes longer than what is in them.
          isolate: false,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // They mostly wait, for servers and for sound.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          globalSetup: ['test/scenarios/container-setup.ts'],
          env: containerEnv,
          testTimeout: 60_000,
          hookTimeout: 90_000,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'containers',
          include: ['test/containers/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          env: containerEnv,
        },
      },
    ],
  },
});
