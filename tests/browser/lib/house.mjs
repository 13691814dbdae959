import { after, before } from 'node:test';
import { startBrowser } from './browser.mjs';
import { startGateway } from './gateway.mjs';
import { Guest, withGuests } from './guest.mjs';

let rooms = 0;

/** A code no other test uses. */
export function freshRoom(name) {
  return `${name}-${process.pid}-${++rooms}`;
}

/** For one test file: its gateway, its browsers, and the wrapper its tests run in. */
export function house(browserOptions = [{}, {}]) {
  let gateway;
  const browsers = [];

  before(async () => {
    gateway = await startGateway();
    for (const options of browserOptions) browsers.push(await startBrowser(options));
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await gateway?.stop();
  });

  const bring = (name, { browser = 0, ...options } = {}) => Guest.arrive(browsers[browser], gateway.url, name, options);
  return { url: () => gateway.url, withGuests: withGuests(bring) };
}
