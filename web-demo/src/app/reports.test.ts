import { describe, expect, test } from 'vitest';
import { Reports } from './reports';

function reports(online = () => true) {
  const sent: unknown[] = [];
  const request = (event: string, payload: unknown) => {
    sent.push([event, payload]);
    return Promise.reject(new Error('there is no such event'));
  };
  return { sent, reports: new Reports({ request: request as never }, online) };
}

describe('reports', () => {
  test('tell each change of a state once', () => {
    const { sent, reports: to } = reports();
    for (const state of ['none', 'new', 'connecting', 'connecting', 'connected', 'connected'] as const) to.changed('p1', state);
    expect(sent).toEqual([
      ['webrtc:state', { state: 'connecting', targetPeerId: 'p1' }],
      ['webrtc:state', { state: 'connected', targetPeerId: 'p1' }],
    ]);
  });

  test('are of each peer alone, and begin anew when it is gone', () => {
    const { sent, reports: to } = reports();
    to.changed('p1', 'connected');
    to.changed('p2', 'connected');
    to.forget('p1');
    to.changed('p1', 'connected');
    expect(sent).toHaveLength(3);
  });

  test('are left out while the gateway is away', () => {
    const { sent, reports: to } = reports(() => false);
    to.changed('p1', 'failed');
    expect(sent).toEqual([]);
  });
});
