import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../../clients/lib/processes.js';

/** What a key is made by. */
const KINDS = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], rsa: ['rsa:2048'] };

/** Files of a certificate that signs itself, good for 127.0.0.1 and localhost. */
export class Certificate {
  /** @param {keyof typeof KINDS} [kind] */
  constructor(kind = 'ec') {
    const directory = scratchDirectory('certificate-');
    this.cert = join(directory, 'cert.pem');
    this.key = join(directory, 'key.pem');
    this.#make(kind);
  }

  #make(kind) {
    execFileSync('openssl', ['req', '-x509', '-newkey', ...KINDS[kind], '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', this.key, '-out', this.cert], { stdio: 'pipe' });
  }

  /** As the gateway wants it. */
  get env() {
    return { TLS_CERT: this.cert, TLS_KEY: this.key };
  }

  get fingerprint() {
    return new X509Certificate(readFileSync(this.cert)).fingerprint256;
  }

  /** Puts another certificate in the place of this one, file by file. @param {Certificate} other */
  become(other) {
    for (const [mine, theirs] of [[this.cert, other.cert], [this.key, other.key]]) put(mine, readFileSync(theirs));
  }

  /** Puts into a file what is no certificate and no key. @param {'cert' | 'key'} which */
  spoil(which) {
    put(this[which], '-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n');
  }
}

/** Replaces a file at once, as whoever renews certificates does. */
function put(path, content) {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
