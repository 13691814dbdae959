/** Prints the digest of all that the chart is rendered from: `sha256:…`. */
import { inputs } from '../lib/chart.js';

console.log(inputs());
