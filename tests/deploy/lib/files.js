import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The top of the repository, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** @param {string} path from the top of the repository */
export const read = (path) => readFileSync(ROOT + path, 'utf8');

/** The version of the product. */
export const VERSION = /^version = "(.+)"$/m.exec(read('Cargo.toml'))[1];
