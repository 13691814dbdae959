import { Coturn } from '../../turn/lib/coturn.js';
import { startGateway } from './gateway.mjs';
import { sfuPlace } from './sfuPlace.mjs';

const SECRET = 'shared-by-both-sides-0123456789';

/** As short as it may be: credentials are renewed all the time. */
const BRIEF_S = '10';

/** Gathers what is to be ended, as the harness of `node:test` does. */
function ends() {
  const works = [];
  const stop = async () => {
    for (const work of works.splice(0).reverse()) await work();
  };
  return { after: (work) => works.push(work), stop };
}

async function withCoturn(open) {
  const t = ends();
  try {
    const coturn = await Coturn.start(t, { secrets: [SECRET] });
    return { ...(await open(t, { TURN_URIS: coturn.uris, TURN_SECRET: SECRET })), coturn, stop: t.stop };
  } catch (error) {
    await t.stop();
    throw error;
  }
}

/** Which gateway is which. */
export const WITH_TURN = 0;
export const BRIEF = 1;
export const WITHOUT_TURN = 2;
export const REFUSED = 3;

/**
 * A coturn, and gateways that know it: one as usual, one whose credentials last for seconds, one that
 * knows none, and one with another secret.
 */
export const turnPlace = () =>
  withCoturn(async (t, turn) => {
    const gateways = [];
    for (const settings of [turn, { ...turn, TURN_TTL_S: BRIEF_S }, {}, { ...turn, TURN_SECRET: 'of-another-server-0123456789' }]) {
      const gateway = await startGateway(settings);
      t.after(() => gateway.stop());
      gateways.push(gateway);
    }
    return { gateways };
  });

/** The same with one gateway and a Media Service. */
export const turnAndSfuPlace = () =>
  withCoturn(async (t, turn) => {
    const { stop, ...place } = await sfuPlace(1, turn);
    t.after(stop);
    return place;
  });
