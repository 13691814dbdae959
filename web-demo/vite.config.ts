import { defineConfig } from 'vitest/config';

const gateway = 'http://localhost:3000';

export default defineConfig({
  base: '/demo/',
  build: {
    target: 'es2022',
    // These all know light-dark(), so it is left in the CSS as written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // A data: URI would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['index.html', 'console.html'] },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/socket.io': { target: gateway, ws: true },
      '/signal': { target: gateway, ws: true },
      '/ws': { target: gateway, ws: true },
      '/dev': { target: gateway },
    },
  },
  test: { include: ['src/**/*.test.ts', 'scripts/*.test.mjs'], environment: 'node' },
});
