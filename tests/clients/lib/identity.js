import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { scratchDirectory } from './processes.js';

/** An RS256 key pair made for this run, and tokens signed with it. */
export class Identity {
  #directory = null;

  constructor(kid = undefined) {
    this.kid = kid;
    // Not as key objects: those share a lock with what made them, and Node.js 20 locks itself out
    // for ever when it clears that away in the middle of an export, which is how jose signs.
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    this.publicPem = publicKey;
    this.publicKey = createPublicKey(publicKey);
    this.privateKey = createPrivateKey(privateKey);
  }

  /** Path of a PEM file with the public key; removed when the process ends. */
  get publicPemFile() {
    if (!this.#directory) {
      this.#directory = scratchDirectory('gateway-key-');
      writeFileSync(join(this.#directory, 'public.pem'), this.publicPem);
    }
    return join(this.#directory, 'public.pem');
  }

  /**
   * A token; a claim given as undefined is left out.
   * @param {Record<string, unknown>} [claims]
   * @param {Record<string, unknown>} [header]
   */
  token(claims = {}, header = {}) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { sub: `user-${randomUUID()}`, iat: now, exp: now + 3600, ...claims };
    for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name];
    const fullHeader = { alg: 'RS256', typ: 'JWT', ...(this.kid ? { kid: this.kid } : {}), ...header };
    return new SignJWT(payload).setProtectedHeader(fullHeader).sign(this.privateKey);
  }

  /** The public key as a JWK. */
  async jwk() {
    const jwk = await exportJWK(this.publicKey);
    return { ...jwk, use: 'sig', alg: 'RS256', ...(this.kid ? { kid: this.kid } : {}) };
  }
}

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that claims to need no signature. @param {Record<string, unknown>} claims */
export function unsignedToken(claims) {
  return `${base64url({ alg: 'none', typ: 'JWT' })}.${base64url(claims)}.`;
}

/** The classic confusion: HMAC with the public key's text as the secret. */
export function hmacToken(claims, secret) {
  const body = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** Seconds since the epoch, shifted. */
export const epoch = (shift = 0) => Math.floor(Date.now() / 1000) + shift;
