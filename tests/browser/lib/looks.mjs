import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));
await mkdir(artifacts, { recursive: true });

export const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

/** Faces for drawnCamera. */
export const ADA = { sky: '#f2cf97', wall: '#c47a4e', skin: '#b97f5e', shade: '#a06a4b', hair: '#2b1d1a', long: true, shirt: '#1d5c57' };
export const BOB = { sky: '#b7d5dc', wall: '#557f92', skin: '#ecc3a3', shade: '#d8a985', hair: '#7a4a2a', long: false, shirt: '#d19a3d' };
export const CLEO = { sky: '#d9d3ee', wall: '#7c6ca8', skin: '#8a5a3c', shade: '#74492f', hair: '#15110f', long: false, shirt: '#e4dccb' };
export const DAN = { sky: '#cfe3c4', wall: '#6d9a72', skin: '#f3d2b6', shade: '#dfb795', hair: '#c79a52', long: false, shirt: '#3b4a6b' };
export const EVE = { sky: '#f4cfcb', wall: '#b8626a', skin: '#e3b48c', shade: '#cc9a71', hair: '#5a2b1d', long: true, shirt: '#3a3340' };

export async function isAccessible(guest, where) {
  await guest.page.evaluate(axe);
  const { violations } = await guest.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const found = violations.map((v) => `${v.id}: ${v.help} – ${v.nodes.map((n) => n.html).join(' | ')}`);
  assert.deepEqual(found, [], where);
}

export async function fits(guest, where) {
  const { content, window } = await guest.page.evaluate(() => ({
    content: Math.max(...[...document.querySelectorAll('body, main, header, .stage, .panel, .panel-body, .controls')].map((e) => e.scrollWidth - e.clientWidth)),
    window: document.documentElement.scrollWidth - innerWidth,
  }));
  assert.ok(content <= 0 && window <= 0, `${where} is ${Math.max(content, window)} px too wide`);
}

export async function picture(guest, file) {
  for (const toast of await guest.page.getByLabel('Dismiss').all()) await toast.click({ timeout: 1000 }).catch(() => undefined);
  await guest.page.screenshot({ path: `${artifacts}${file}` });
}
