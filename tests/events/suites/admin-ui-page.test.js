// The page of the Socket.IO Admin UI itself, in a browser.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join as joinPath, normalize } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode, party } from '../../clients/lib/rooms.js';
import { BOUND_MS } from '../../clients/lib/wait.js';

// A backend calls its events as it likes.
expectAnyEvents();

const PAGE = joinPath(dirname(createRequire(import.meta.url).resolve('@socket.io/admin-ui/package.json')), 'ui/dist');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png' };
const PASSWORD = 'correct horse battery';

/** Serves the page as the package has it; resolves to its origin. */
async function serve(t) {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(new URL(url, 'http://page').pathname);
    const file = joinPath(PAGE, path === '/' ? 'index.html' : path);
    const body = await readFile(file).catch(() => null);
    response.writeHead(body ? 200 : 404, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

async function browse(t) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.setDefaultTimeout(BOUND_MS);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  return { page, errors };
}

test('the page of the Admin UI connects, shows sockets and rooms, and disconnects', async (t) => {
  const origin = await serve(t);
  const gateway = await startNode({
    CLIENT_URL: origin, ADMIN_UI_USER: 'admin', ADMIN_UI_PASSWORD: PASSWORD, ADMIN_UI_READONLY: 'false',
  }, new Identity());
  t.after(() => gateway.kill());
  const code = freshCode();
  const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
  const ids = [anna, bert].map(({ socket }) => socket.id);
  const { page, errors } = await browse(t);
  await page.goto(origin);
  const field = (label) => page.getByLabel(label, { exact: true });
  await field('Server URL').fill(gateway.url);
  await field('Username').fill('admin');
  await field('Password').fill('wrong');
  const go = (view) => page.getByRole('navigation').getByRole('link', { name: view }).click();
  const press = () => page.getByRole('button', { name: 'Connect', exact: true }).click();
  await press();
  await page.getByText('Invalid credentials').waitFor();
  await field('Password').fill(PASSWORD);
  await press();
  await go('Sockets');
  for (const id of ids) await page.getByRole('cell', { name: id }).waitFor();
  const carl = await connect(t, gateway);
  await page.getByRole('cell', { name: carl.socket.id }).waitFor();
  // The details of one.
  await page.getByRole('cell', { name: anna.socket.id }).click();
  await page.getByText(`user:${anna.userId}`).first().waitFor();
  await go('Servers');
  await page.getByRole('cell', { name: 'switchboard', exact: true }).first().waitFor();
  await go('Rooms');
  await page.getByRole('cell', { name: code, exact: true }).waitFor();
  await go('Sockets');
  const row = page.getByRole('row').filter({ hasText: ids[1] });
  await row.getByRole('button').click();
  await bert.disconnected();
  await anna.event('peer:left', ({ peerId }) => peerId === bert.peerId);
  // The button is in a row that leads to the details.
  await go('Sockets');
  await page.getByRole('cell', { name: ids[0] }).waitFor();
  await page.getByRole('cell', { name: ids[1] }).waitFor({ state: 'detached' });
  // The session is kept: the page need not ask again.
  await page.reload();
  await go('Sockets');
  await page.getByRole('cell', { name: anna.socket.id }).waitFor();
  assert.deepEqual(errors, []);
});
