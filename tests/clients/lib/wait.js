/** Upper bound of every wait; generous, since it only decides how a failure ends. */
export const BOUND_MS = 60_000;

/**
 * Rejects with a telling message when `promise` does not settle in time.
 * @template T
 * @param {Promise<T>} promise
 * @param {string | (() => string)} what what was waited for
 * @param {number} [bound]
 * @returns {Promise<T>}
 */
export async function within(promise, what, bound = BOUND_MS) {
  let timer;
  const expiry = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const subject = typeof what === 'function' ? what() : what;
      reject(new Error(`waited ${bound} ms in vain for ${subject}`));
    }, bound);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks `probe` again and again until it returns something truthy, and returns that.
 * @template T
 * @param {() => T | Promise<T>} probe
 * @param {string} what
 * @param {number} [bound]
 * @returns {Promise<T>}
 */
export async function until(probe, what, bound = BOUND_MS) {
  const end = Date.now() + bound;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${bound} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Runs `work` for each item, at most `width` at a time.
 * @template T, R
 * @param {T[]} items
 * @param {number} width
 * @param {(item: T, index: number) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function mapLimited(items, width, work) {
  const results = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}
