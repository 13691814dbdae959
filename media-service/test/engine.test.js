import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine, iceCandidates } from '../src/media/engine.js';

const SETTINGS = { listenIp: '0.0.0.0', announcedAddress: 'sfu.example', rtcMinPort: 40_000, rtcMaxPort: 40_999 };
const SCTP = { numStreams: { OS: 16, MIS: 32 } };

/** A mediasoup that shows what it is asked for, and listens to signals as newer versions do. */
function recorder() {
  const asked = [];
  const createWorker = async (options) => {
    asked.push(options);
    process.once('SIGTERM', () => {});
    process.once('SIGINT', () => {});
    return {};
  };
  return { asked, createWorker };
}
const engine = (version, mediasoup = recorder()) => new Engine(mediasoup, version, SETTINGS);

describe('mediasoup 3.8', () => {
  test('has a range of ports for each worker', async () => {
    const mediasoup = recorder();
    await engine('3.8.4', mediasoup).createWorker();
    assert.deepEqual(mediasoup.asked, [{ logLevel: 'error', rtcMinPort: 40_000, rtcMaxPort: 40_999 }]);
  });

  test('takes listenIps and numbers of streams', () => {
    const options = engine('3.8.4').transportOptions(SCTP);
    assert.deepEqual(options.listenIps, [{ ip: '0.0.0.0', announcedIp: 'sfu.example' }]);
    assert.deepEqual([options.enableSctp, options.numSctpStreams], [true, SCTP.numStreams]);
    assert.equal('listenInfos' in options, false);
  });
});

for (const version of ['3.14.0', '3.27.1', '4.0.0']) {
  describe(`mediasoup ${version}`, () => {
    test('has no range of ports for a worker', async () => {
      const mediasoup = recorder();
      await engine(version, mediasoup).createWorker();
      assert.deepEqual(mediasoup.asked, [{ logLevel: 'error' }]);
    });

    test('takes listenInfos, each with its range of ports', () => {
      const options = engine(version).transportOptions(SCTP);
      const info = { ip: '0.0.0.0', announcedAddress: 'sfu.example', portRange: { min: 40_000, max: 40_999 } };
      assert.deepEqual(options.listenInfos, [{ ...info, protocol: 'udp' }, { ...info, protocol: 'tcp' }]);
      assert.equal(options.enableSctp, true);
      assert.equal('listenIps' in options || 'numSctpStreams' in options, false);
    });
  });
}

test('SCTP is off where it is not asked for', () => {
  for (const version of ['3.8.4', '3.27.1']) assert.equal('enableSctp' in engine(version).transportOptions(), false);
});

test('signals stay with the service, whatever mediasoup registers', async () => {
  const count = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');
  const before = count();
  await engine('3.27.1').createWorker();
  assert.equal(count(), before);
});

test('candidates have an address, whatever the version calls it', () => {
  const old = { ip: '192.0.2.1', port: 1 };
  const current = { ip: '192.0.2.1', address: 'sfu.example', port: 1 };
  assert.deepEqual(iceCandidates({ iceCandidates: [old, current] }), [{ ...old, address: '192.0.2.1' }, current]);
});
