import { parse } from 'yaml';
import { read } from './files.js';

/**
 * Puts in the values of variables, as the Compose Specification has it: `${NAME:-default}`, `${NAME}`.
 * @param {string} text @param {Record<string, string>} [variables]
 */
export function interpolate(text, variables = {}) {
  return text.replace(/\$\{([A-Z_]+)(?::-([^}]*))?\}/g, (_, name, fallback = '') => variables[name] || fallback);
}

/** docker-compose.yml with these variables, as text. @param {Record<string, string>} [variables] */
export const composeText = (variables) => interpolate(read('docker-compose.yml'), variables);

/** And as a document. @param {Record<string, string>} [variables] */
export const compose = (variables) => parse(composeText(variables), { merge: true });
