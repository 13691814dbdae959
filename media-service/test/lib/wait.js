/** Upper bound of every wait; generous, since it only decides how a failure ends. */
export const BOUND_MS = 20_000;

/**
 * Asks `probe` again and again until it returns something truthy, and returns that.
 * @template T
 * @param {() => T | Promise<T>} probe
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function until(probe, what) {
  const end = Date.now() + BOUND_MS;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${BOUND_MS} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what was waited for
 * @returns {Promise<T>}
 */
export async function within(promise, what) {
  let timer;
  const expiry = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${BOUND_MS} ms in vain for ${what}`)), BOUND_MS);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
