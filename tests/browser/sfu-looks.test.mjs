import { describe, test } from 'node:test';
import { drawnCamera } from './lib/browser.mjs';
import { freshRoom, house } from './lib/house.mjs';
import { ADA, BOB, CLEO, DAN, EVE, fits, isAccessible, PHONE, picture } from './lib/looks.mjs';
import { sfuPlace } from './lib/sfuPlace.mjs';

/** Five pages that send three sizes each keep a small machine busy. */
const FPS = 5;
const PEOPLE = [['Ada Osei', ADA], ['Bob Lindqvist', BOB], ['Cleo Mensah', CLEO], ['Dan Novak', DAN], ['Eve Moreau', EVE]];

describe('how a room with a media server looks', { timeout: 400_000 }, () => {
  const { withGuests } = house([{}], sfuPlace);

  /** The first of them may have a page of another kind. */
  async function gather(arrive, code, count, context) {
    const guests = await Promise.all(PEOPLE.slice(0, count).map(([name, face], index) => arrive(name, { init: [drawnCamera, { ...face, fps: FPS }], context: index === 0 ? context : undefined })));
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
    'five faces and what flows between them are worth a picture, and accessible in light and dark colours',
    withGuests(async (arrive) => {
      const [ada, ...others] = await gather(arrive, 'sfu-mika-zuno-47', 5, { colorScheme: 'light' });
      await showTraffic(ada, others.map(({ name }) => name));
      await isAccessible(ada, 'light');
      await picture(ada, 'sfu-five.png');
      await ada.page.emulateMedia({ colorScheme: 'dark' });
      await isAccessible(ada, 'dark');
      await picture(ada, 'sfu-five-dark.png');
    }),
  );

  test(
    'its network panel fits a phone',
    withGuests(async (arrive) => {
      const [ada, bob] = await gather(arrive, freshRoom('sfu-phone'), 2, PHONE);
      await showTraffic(ada, [bob.name]);
      await fits(ada, 'network');
      await picture(ada, 'phone-sfu.png');
    }),
  );
});
