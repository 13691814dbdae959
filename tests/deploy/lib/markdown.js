import { execFileSync } from 'node:child_process';
import Slugger from 'github-slugger';
import MarkdownIt from 'markdown-it';
import { read, ROOT } from './files.js';

const parser = new MarkdownIt({ html: true });

/** All pages that belong to the repository. @returns {string[]} */
export function pages() {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: ROOT, encoding: 'utf8' });
  return list.split('\n').filter(Boolean);
}

/** The text of an inline token as a heading shows it. */
function shown(token) {
  return token.children.map(({ type, content }) => (type === 'text' || type === 'code_inline' ? content : '')).join('');
}

/**
 * A page's headings by their anchors, as GitHub makes them, and all that it links to.
 * @param {string} path
 * @returns {{anchors: Set<string>, links: string[], code: string[]}} `code`: what stands there as such
 */
export function page(path) {
  const tokens = parser.parse(read(path), {});
  const slugger = new Slugger();
  const anchors = new Set();
  const links = [];
  const code = [];
  tokens.forEach((token, index) => {
    if (token.type === 'heading_open') anchors.add(slugger.slug(shown(tokens[index + 1])));
    if (token.type === 'fence') code.push(token.content);
    for (const child of token.children ?? []) {
      if (child.type === 'code_inline') code.push(child.content);
      if (child.type === 'link_open') links.push(child.attrGet('href'));
      if (child.type === 'image') links.push(child.attrGet('src'));
    }
  });
  return { anchors, links, code };
}

/** The fenced blocks of a page that are said to be run by a suite. @param {string} path @param {string} suite */
export function examples(path, suite) {
  const tokens = parser.parse(read(path), {});
  return tokens
    .filter((token, index) => token.type === 'fence' && tokens[index - 1]?.content?.includes(`example: run by ${suite}`))
    .map(({ info, content }) => ({ language: info, code: content }));
}
