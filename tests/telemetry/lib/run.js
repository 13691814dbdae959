import { once } from 'node:events';
import { spawnOwned } from '../../clients/lib/processes.js';
import { within } from '../../clients/lib/wait.js';

/**
 * Runs a program to its end.
 * @param {string} command @param {string[]} args @param {string} [input] what it reads
 * @returns {Promise<{code: number, output: string}>} both outputs together
 */
export async function run(command, args, input) {
  const child = spawnOwned(command, args, process.env, 'pipe');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = Promise.race([once(child, 'close'), once(child, 'error').then(([error]) => Promise.reject(error))]);
  child.stdin.end(input ?? '');
  const [code] = await within(ended, () => `${command} ${args.join(' ')} to end; it wrote:\n${output}`, 60_000);
  return { code, output };
}
