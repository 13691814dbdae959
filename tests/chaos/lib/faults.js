import { lasting } from '../../cluster/lib/faults.js';

/** @typedef {import('./world.js').World} World */
/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {(world: World, random: () => number) => unknown} run until it is over
 * @property {'memory' | 'redis'} [risk] whose data it takes, or keeps from the other
 * @property {boolean} [brief] whether it comes in short runs too
 */

const between = (random, least, most) => least + random() * (most - least);
const pick = (random, list) => list[Math.floor(random() * list.length)];
const anyNode = (world, random) => Math.floor(random() * world.nodes.length);

/** What takes Redis away from nodes. */
const trouble = (run) => (world, random) => world.trouble(() => run(world, random));

/** What ends nodes. */
const loss = (run) => (world, random) => world.loss(() => run(world, random));

/** Longer than a node may be silent, and than its peers are waited for. */
const LONG_FREEZE_MS = 7_000;

async function freezeNode(world, random, ms) {
  const node = world.nodes[anyNode(world, random)];
  node.signal('SIGSTOP');
  await lasting(ms);
  node.signal('SIGCONT');
}

/** What happens to nodes: all that they alone know may be gone. @type {Fault[]} */
export const NODE_FAULTS = [
  {
    name: 'node killed', brief: true,
    risk: 'memory',
    run: loss(async (world, random) => {
      const index = anyNode(world, random);
      await world.nodes[index].kill();
      await lasting(between(random, 200, 2_500));
      await world.run(index);
    }),
  },
  { name: 'node frozen', brief: true, run: trouble((world, random) => freezeNode(world, random, between(random, 500, 2_500))) },
  { name: 'node frozen for long', run: trouble((world, random) => freezeNode(world, random, LONG_FREEZE_MS)) },
  {
    name: 'rolling restart', brief: true,
    risk: 'memory',
    run: loss(async (world) => {
      for (const index of world.nodes.keys()) {
        world.nodes[index].signal('SIGTERM');
        const { code, signal } = await world.nodes[index].exited();
        if (code !== 0) world.books.wrong('bad exit', `after SIGTERM: ${code} ${signal}`);
        await world.run(index);
        await world.ready();
      }
    }),
  },
];

async function pathsFault(paths, fault, ms) {
  paths.forEach(fault);
  await lasting(ms);
  paths.forEach((path) => path.restore());
}

const oneWay = (world, random) => [pick(random, world.toRedis)];

/** What happens to Redis, or to the way to it. @type {Fault[]} */
export const REDIS_FAULTS = [
  {
    name: 'Redis killed, with its data', brief: true,
    risk: 'redis',
    run: trouble(async ({ redis }, random) => {
      await redis.kill();
      await lasting(between(random, 300, 2_000));
      await redis.run();
    }),
  },
  { name: 'Redis killed, and empty', brief: true, risk: 'redis', run: trouble(({ redis }) => redis.restartEmpty()) },
  { name: 'Redis flushed', brief: true, risk: 'redis', run: trouble(({ redis }) => redis.command('FLUSHALL')) },
  {
    name: 'Redis frozen', brief: true,
    risk: 'redis',
    run: trouble(async ({ redis }, random) => {
      redis.freeze();
      await lasting(between(random, 500, 3_000));
      redis.thaw();
    }),
  },
  {
    name: 'Redis cut off', brief: true,
    risk: 'redis',
    run: trouble(({ toRedis }, random) => pathsFault(toRedis, (path) => path.sever(), between(random, 200, 2_000))),
  },
  {
    name: 'Redis cut off from one node',
    risk: 'redis',
    run: trouble((world, random) => pathsFault(oneWay(world, random), (path) => path.sever(), between(random, 500, 6_000))),
  },
  {
    name: 'Redis out of reach of one node', brief: true,
    risk: 'redis',
    run: trouble((world, random) => pathsFault(oneWay(world, random), (path) => path.hold(), between(random, 500, 6_000))),
  },
  {
    name: 'Redis slow',
    risk: 'redis',
    run: trouble(({ toRedis }, random) => pathsFault(toRedis, (path) => (path.delayMs = between(random, 20, 150)), 2_000)),
  },
];

/** What happens to a service, whichever it is. */
const SERVICE_WAYS = [
  ['cut', (path) => path.sever()],
  ['out of reach', (path) => path.hold()],
  ['slow', (path) => path.slow(2_000)],
  ['delayed', (path, random) => (path.delayMs = between(random, 50, 500))],
  ['swallowed', (path) => path.blackHole()],
  ['half closed', (path) => path.halfClose('back')],
];

/** What services say or do not. */
const ANSWERS = {
  chat: [
    ['refuses', (chat, random) => chat.answer(pick(random, [500, 503, 429, 408]))],
    ['stores and does not answer', (chat) => chat.forgetToAnswer()],
  ],
  room: [
    ['refuses', (rooms) => rooms.fail('status', { status: 503 })],
    ['babbles', (rooms) => rooms.fail('garbage')],
  ],
  media: [
    ['refuses', (media) => media.fail('status', { status: 500 })],
    ['is silent', (media) => media.fail('hang', { routes: ['*'] })],
  ],
};

/** What happens to each service. @type {Fault[][]} */
export const SERVICE_FAULTS = ['chat', 'room', 'media'].map((service) => [
  ...SERVICE_WAYS.map(([way, fault]) => ({
    name: `${service} ${way}`,
    brief: true,
    run: ({ services }, random) => pathsFault([services[service]], (path) => fault(path, random), between(random, 500, 2_500)),
  })),
  ...ANSWERS[service].map(([name, fault]) => ({
    name: `${service} ${name}`,
    brief: true,
    async run({ standIns }, random) {
      fault(standIns[service], random);
      await lasting(between(random, 500, 2_500));
      standIns[service].heal();
    },
  })),
]);

const doorFault = (fault, least = 500, most = 2_500) => (world, random) => {
  const door = pick(random, world.doors);
  return pathsFault([door], () => fault(door, random), between(random, least, most));
};

/** What happens between clients and nodes. @type {Fault[]} */
export const CLIENT_FAULTS = [
  { name: 'clients cut', brief: true, run: doorFault((door, random) => door.cut(0.3, random)) },
  { name: 'clients cut off', brief: true, run: doorFault((door) => door.sever(), 200, 1_500) },
  { name: 'clients swallowed', brief: true, run: doorFault((door, random) => door.blackHole(0.3, random), 3_000, 6_000) },
  { name: 'clients half closed', brief: true, run: doorFault((door, random) => door.halfClose('out', 0.2, random)) },
  { name: 'clients half closed by the server', brief: true, run: doorFault((door, random) => door.halfClose('back', 0.2, random)) },
  { name: 'clients slow', brief: true, run: doorFault((door) => door.slow(4_000)) },
  { name: 'clients delayed', brief: true, run: doorFault((door, random) => (door.delayMs = between(random, 20, 200))) },
  { name: 'clients out of reach', brief: true, run: doorFault((door) => door.hold()) },
];

/** One fault after another, each kind once before any comes again. */
export class Trouble {
  #bag = [];

  /** @param {World} world @param {() => number} random @param {Fault[]} faults @param {number} pauseMs the longest between two */
  constructor(world, random, faults, pauseMs) {
    Object.assign(this, { world, random, faults, pauseMs, before: null });
  }

  /** @param {() => boolean} over asked before each fault; each kind comes once whatever it says */
  async make(over) {
    for (let kinds = this.faults.length; kinds > 0 || !over(); kinds -= 1) {
      await lasting(this.random() * this.pauseMs);
      await this.#make(this.#draw());
    }
  }

  /** Any that is left; first those that may follow at once. */
  #draw() {
    if (this.#bag.length === 0) this.#bag = [...this.faults];
    const near = this.#bag.filter(({ risk }) => !risk || risk === this.before);
    const fault = pick(this.random, near.length ? near : this.#bag);
    this.#bag = this.#bag.filter((other) => other !== fault);
    return fault;
  }

  /** @param {Fault} fault */
  async #make(fault) {
    const { world, random } = this;
    // What nodes and Redis hold together nobody promises to survive the loss of both.
    if (fault.risk && this.before && fault.risk !== this.before) await world.delivered();
    this.before = fault.risk ?? this.before;
    world.books.count(`fault ${fault.name}`);
    world.note(`${fault.name} begins`);
    await world.deadline.during(`the end of: ${fault.name}`, () => fault.run(world, random));
    world.note(`${fault.name} is over`);
    if (fault.risk) await world.deadline.during(`nodes to be ready after: ${fault.name}`, () => world.ready());
  }
}
