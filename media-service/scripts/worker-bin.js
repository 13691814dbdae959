// Prints the worker that the service will run, and fails if that is the one that the npm package
// mediasoup makes or fetches when it is installed.
import { findWorker, pinnedMediasoup } from '../src/media/worker-bin.js';

const workerBin = findWorker(process.env, pinnedMediasoup());
if (!workerBin) process.exit(1);
console.log(workerBin);
