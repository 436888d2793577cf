import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  // Addresses are relative: the console works wherever its host maps it, also behind a proxy's prefix.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: '../artifacts/console', emptyOutDir: true, assetsInlineLimit: 0, reportCompressedSize: false },
  // 'npm run dev' shows what is edited with the data of a silo that runs.
  server: { proxy: { '/api': loadEnv(mode, '.', 'GRISTMILL_').GRISTMILL_SERVER ?? 'http://127.0.0.1:5080' } },
  test: { include: ['tests/**/*.test.ts'], testTimeout: 60_000 },
}));
