import { call } from '../../app';
import { credentialsExpireAt, relayUrls } from '../../rtc/ice';
import * as store from '../../state/store';
import { Fact } from './Fact';

/** The part of the network panel about TURN servers, and the switch that leaves no other way. */
export function RelayBlock() {
  const urls = relayUrls(store.iceServers.value);
  const expiry = credentialsExpireAt(store.iceServers.value);
  return (
    <section class="block" aria-labelledby="net-relay" data-testid="relay">
      <h2 id="net-relay">Relay (TURN)</h2>
      <dl class="facts">
        <Fact name="Servers" value={urls.length > 0 ? urls.map((url) => url.replace('?transport=', ' by ')).join(', ') : 'none configured'} testId="turn-servers" mono={urls.length > 0} />
        {expiry !== null && <Fact name="Credentials until" value={new Date(expiry * 1000).toLocaleTimeString()} testId="turn-expiry" />}
      </dl>
      <RelaySwitch />
      <div role="status">
        <RelayNotice configured={urls.length > 0} />
      </div>
    </section>
  );
}

function RelaySwitch() {
  return (
    <label class="choice">
      <input type="checkbox" role="switch" checked={store.relayOnly.value} onChange={(e) => call.conference.relayOnly(e.currentTarget.checked)} data-testid="relay-only" />
      <span>Relay only</span>
      <span class="hint">Nothing goes directly, as in a network that lets nothing else through.</span>
    </label>
  );
}

function RelayNotice({ configured }: { configured: boolean }) {
  if (store.relayOnly.value && !configured) {
    return (
      <p class="notice" data-testid="relay-missing">
        The gateway has no TURN server, so nothing can connect. Switch this off, or start the gateway with <code>TURN_URIS</code> and <code>TURN_SECRET</code>.
      </p>
    );
  }
  const problem = store.iceProblem.value;
  return problem ? (
    <p class="notice" data-testid="relay-problem">
      {problem}
    </p>
  ) : null;
}
