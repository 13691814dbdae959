import { describe, test } from 'node:test';
import { drawnCamera } from './lib/browser.mjs';
import { freshRoom, house } from './lib/house.mjs';
import { ADA, BOB, CLEO, DAN, EVE, fits, isAccessible, PHONE, picture } from './lib/looks.mjs';
import { sfuPlace } from './lib/sfuPlace.mjs';

const PEOPLE = [['Ada Osei', ADA], ['Bob Lindqvist', BOB], ['Cleo Mensah', CLEO], ['Dan Novak', DAN], ['Eve Moreau', EVE]];

describe('how a room with a media server looks', { timeout: 400_000 }, () => {
  const { withGuests } = house([{}], sfuPlace);

  /** The first of them may have a page of another kind. */
  async function gather(arrive, code, count, context) {
    const guests = await Promise.all(PEOPLE.slice(0, count).map(([name, face], index) => arrive(name, { init: [drawnCamera, face], context: index === 0 ? context : undefined })));
    await Promise.all(guests.map((guest) => guest.login()));
    for (const guest of guests) await guest.join(code);
    return guests;
  }

  /** The panel with the part about the media server at its top, and all of it measured. */
  async function showTraffic(guest, others) {
    await guest.panel('network');
    for (const name of others) await guest.get('sfu-peer').filter({ hasText: name }).getByTestId('sfu-cam').filter({ hasText: 'bit/s' }).waitFor();
    await guest.get('sfu-transports').evaluate((block) => {
      block.scrollIntoView();
      block.parentElement.scrollBy(0, -12);
    });
  }

  test(
    'five faces and what flows between them are worth a picture',
    withGuests(async (arrive) => {
      const [ada, ...others] = await gather(arrive, 'sfu-mika-zuno-47', 5, { colorScheme: 'light' });
      const names = others.map(({ name }) => name);
      // The first frames may be coarse.
      await ada.page.waitForFunction((count) => [...document.querySelectorAll('[data-testid=tile] video')].filter((video) => video.videoWidth >= 360).length === count, names.length);
      await showTraffic(ada, names);
      await picture(ada, 'sfu-five.png');
      await ada.page.emulateMedia({ colorScheme: 'dark' });
      await picture(ada, 'sfu-five-dark.png');
    }),
  );

  for (const colorScheme of ['light', 'dark']) {
    test(
      `its network panel passes the accessibility check in ${colorScheme} colours, and fits a phone`,
      withGuests(async (arrive) => {
        const [ada, bob] = await gather(arrive, freshRoom('sfu-axe'), 2, { ...PHONE, colorScheme });
        await showTraffic(ada, [bob.name]);
        await isAccessible(ada, 'network');
        await fits(ada, 'network');
        await picture(ada, `phone-sfu-${colorScheme}.png`);
      }),
    );
  }
});
