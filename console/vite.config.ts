// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

declare const process: { env: Record<string, string | undefined> };

// Mirrors what `holdfast serve` sends, so that `vite preview` refuses what the server would.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

// The server decides by Host and Origin who may read without a key, so a proxy has to set both right.
const target = process.env.HOLDFAST_URL ?? 'http://127.0.0.1:8400';
const proxy = Object.fromEntries(
  ['/api', '/v1', '/healthz', '/readyz'].map((path) => [
    path,
    { target, changeOrigin: true, headers: { origin: target } },
  ]),
);

const shell =
  /node_modules\/svelte\/|src\/(App|api\/(client|session|setup_token|workspace)|frame\/|lib\/|i18n\/index)|src\/ui\/(Button|Icon|icons|EmptyState|ErrorState|Popover|Segmented|Toasts|toast)\b/;

export default defineConfig({
  base: '/console/',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    outDir: process.env.CONSOLE_BUNDLE ?? 'dist',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      output: {
        manualChunks: (id) => {
          if (/node_modules\/(echarts|zrender|tslib)\//.test(id)) return 'charts';
          // Chunks compress the better the larger they are: what every page needs is one.
          return shell.test(id) ? 'shell' : undefined;
        },
      },
    },
  },
  server: { proxy },
  preview: { proxy, headers: { 'Content-Security-Policy': contentSecurityPolicy } },
});
