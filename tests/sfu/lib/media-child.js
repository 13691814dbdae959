/** Runs a media stub as a process of its own, and says where it listens. */
import { MediaStub } from './media-stub.js';

const stub = new MediaStub();
await stub.open();
console.log(stub.url);
