import { after, before } from 'node:test';
import { startBrowser } from './browser.mjs';
import { startGateway } from './gateway.mjs';
import { Guest, withGuests } from './guest.mjs';

let rooms = 0;

/** A code no other test uses. */
export function freshRoom(name) {
  return `${name}-${process.pid}-${++rooms}`;
}

/** Opens a house with one gateway. @param {Record<string, string>} [settings] variables of its environment */
export const oneGateway = (settings) => async () => {
  const gateway = await startGateway(settings);
  return { gateways: [gateway], stop: () => gateway.stop() };
};

/**
 * For one test file: its gateway, its browsers, and the wrapper its tests run in. `open` starts the
 * gateways instead, and whatever they need: `{gateways, stop}`.
 */
export function house(browserOptions = [{}, {}], open = oneGateway()) {
  let place;
  const browsers = [];

  before(async () => {
    place = await open();
    for (const options of browserOptions) browsers.push(await startBrowser(options));
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await place?.stop();
  });

  const bring = (name, { browser = 0, node = 0, ...options } = {}) => Guest.arrive(browsers[browser], place.gateways[node].url, name, options);
  return { place: () => place, url: () => place.gateways[0].url, withGuests: withGuests(bring) };
}
