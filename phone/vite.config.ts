// How the phone app is built: an installable, offline-capable web app under /phone/ that needs no inline script and no other host.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const root = fileURLToPath(new URL('.', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export default defineConfig({
  root,
  base: '/phone/',
  publicDir: 'public',
  define: { __APP_VERSION__: JSON.stringify(version) },
  build: {
    outDir: '../dist/phone',
    emptyOutDir: true,
    target: ['es2022', 'chrome111', 'firefox114', 'safari16.4'],
    // The polyfill would be an inline script, and inlined assets would need data: in more places of the policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  plugins: [
    VitePWA({
      strategies: 'injectManifest',
      srcDir: '.',
      filename: 'service-worker.ts',
      // Registered by main.tsx: the plugin's own way writes an inline script.
      injectRegister: false,
      includeManifestIcons: false,
      injectManifest: {
        // The QR reader's wasm (1 MB) is fetched when it is first needed and kept then.
        globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
        // Pictures for the home screen are the browser's own business.
        globIgnores: ['**/screenshots/**', '**/*-512.png', '**/shortcut-*.png', '**/apple-touch-icon.png'],
      },
      manifest: {
        id: '/phone/',
        name: 'Countersign',
        short_name: 'Countersign',
        description: 'Confirms with your phone that it is you who signs in.',
        lang: 'en',
        dir: 'ltr',
        start_url: '/phone/',
        scope: '/phone/',
        display: 'standalone',
        orientation: 'any',
        background_color: '#f3f1ea',
        theme_color: '#f3f1ea',
        categories: ['security', 'utilities'],
        icons: [
          { src: '/phone/icons/icon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any' },
          { src: '/phone/icons/icon-192.png', sizes: '192x192', type: 'image/png', purpose: 'any' },
          { src: '/phone/icons/icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
          { src: '/phone/icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
        // Taken by scripts/phone-pictures.ts.
        screenshots: [
          {
            src: '/phone/screenshots/requests-narrow.png',
            sizes: '390x844',
            type: 'image/png',
            form_factor: 'narrow',
            label: 'A request that waits',
          },
          {
            src: '/phone/screenshots/request-narrow.png',
            sizes: '390x844',
            type: 'image/png',
            form_factor: 'narrow',
            label: 'Who asks, from where and when',
          },
          {
            src: '/phone/screenshots/requests-wide.png',
            sizes: '1280x800',
            type: 'image/png',
            form_factor: 'wide',
            label: 'A request that waits',
          },
        ],
        shortcuts: [
          {
            name: 'Scan a code',
            short_name: 'Scan',
            url: '/phone/?do=scan',
            icons: [{ src: '/phone/icons/shortcut-scan.png', sizes: '96x96', type: 'image/png' }],
          },
          {
            name: 'Requests',
            url: '/phone/?do=requests',
            icons: [{ src: '/phone/icons/shortcut-requests.png', sizes: '96x96', type: 'image/png' }],
          },
        ],
      },
    }),
  ],
});
