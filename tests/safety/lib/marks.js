import assert from 'node:assert/strict';

/** Texts that are to be found nowhere, by what they are. */
export class Marks {
  /** @type {Map<string, string>} */
  #all = new Map();

  /** @param {Record<string, string>} [given] */
  constructor(given = {}) {
    for (const [what, text] of Object.entries(given)) this.add(what, text);
  }

  /** Returns the text. @param {string} what @param {string} text */
  add(what, text) {
    assert.ok(text.length >= 8, `${what} is long enough to be found by no chance`);
    this.#all.set(what, text);
    return text;
  }

  /** What of them a text holds, as it is or as JSON, a URL or base64 would hold it. @param {string} text */
  in(text) {
    const found = [];
    for (const [what, secret] of this.#all) {
      const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')];
      if (forms.some((form) => text.includes(form))) found.push(what);
      else if (asBytes(secret).some((form) => text.includes(form))) found.push(`${what}, as bytes`);
    }
    return found;
  }

  /** Checks that none is in any of the texts. @param {string} where @param {string[]} texts */
  absent(where, texts) {
    assert.ok(texts.length > 0, `there is something to look at: ${where}`);
    for (const text of texts) assert.deepEqual(this.in(text), [], `${where}: ${text.slice(0, 400)}`);
  }
}

/** As a list of bytes is printed. A part of it tells enough. */
const asBytes = (secret) => [', ', ','].map((comma) => [...Buffer.from(secret.slice(0, 12))].join(comma));
