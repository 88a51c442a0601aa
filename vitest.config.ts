import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@surprisal/source'] },
  ssr: { resolve: { conditions: ['@surprisal/source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: [
      '{packages,apps}/*/test/**/*.test.ts',
      'tests/**/*.test.ts',
      'benchmarks/test/**/*.test.ts',
      'examples/**/*.test.mjs',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
