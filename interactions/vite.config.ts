// Builds the scripts and the style sheet of the pages: one entry a folder, hashed names, a manifest, no hydration of whole pages.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('./', import.meta.url));
const scripts = readdirSync(here)
  .filter((folder) => existsSync(`${here}${folder}/script.ts`))
  .map((folder) => [folder, `${here}${folder}/script.ts`]);

export default defineConfig({
  root: fileURLToPath(new URL('../', import.meta.url)),
  base: '/assets/',
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: 'dist/assets',
    emptyOutDir: true,
    target: 'es2022',
    manifest: 'manifest.json',
    // A preload polyfill would be an inline script, and small files inlined as data: would not pass the policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { ...Object.fromEntries(scripts), pages: `${here}assets/pages.css` },
      output: {
        entryFileNames: '[name]-[hash].js',
        chunkFileNames: 'shared-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
});
