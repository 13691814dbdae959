/** What connections may use to reach the other side. Pure. */

export interface IceSettings {
  /** STUN and TURN servers, as the gateway gave them. */
  servers: RTCIceServer[];
  /** Only what a TURN server relays: the way a call goes where nothing else gets through. */
  relayOnly: boolean;
}

export const NO_ICE: IceSettings = { servers: [], relayOnly: false };

export function iceConfiguration({ servers, relayOnly }: IceSettings): { iceServers: RTCIceServer[]; iceTransportPolicy: RTCIceTransportPolicy } {
  return { iceServers: servers, iceTransportPolicy: relayOnly ? 'relay' : 'all' };
}

/** The addresses of the TURN servers among them. */
export function relayUrls(servers: readonly RTCIceServer[]): string[] {
  return servers.flatMap(({ urls }) => urls).filter((url) => /^turns?:/i.test(url));
}

/** When the credentials expire, in seconds since the epoch: the gateway's usernames begin with that. */
export function credentialsExpireAt(servers: readonly RTCIceServer[]): number | null {
  const times = servers.flatMap(({ username }) => /^(\d+):/.exec(username ?? '')?.[1] ?? []).map(Number);
  return times.length > 0 ? Math.min(...times) : null;
}

/** What a browser says of a server that it tried, as in RTCPeerConnectionIceErrorEvent. */
export interface IceProblem {
  url: string;
  errorCode: number;
  errorText: string;
}

/** The server could not be reached from one of the network interfaces; others may do. */
const UNREACHABLE = 701;

/** Worth a word to people? Where a call may go directly an unreachable server need not be a problem. */
export function iceProblemText({ url, errorCode, errorText }: IceProblem, relayOnly: boolean): string | null {
  const server = url || 'A TURN server';
  if (errorCode === UNREACHABLE) return relayOnly ? `${server} cannot be reached.` : null;
  const reason = errorText || 'no reason given';
  return `${server} refused: ${errorCode} ${reason}.`;
}

/** How much of the way a relay carries, from what is known of the two ends. */
export function relayText(localType: string, relayProtocol: string, remoteType: string): string {
  const by = relayProtocol ? ` (by ${relayProtocol})` : '';
  if (localType === 'relay') return remoteType === 'relay' ? `yes, at both ends${by}` : `yes, at this end${by}`;
  return remoteType === 'relay' ? 'yes, at the other end' : 'no';
}
