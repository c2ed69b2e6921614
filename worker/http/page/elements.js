import { formatNoun } from './format.js';

/**
 * Makes an element. Text is never parsed as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Makes the parts of a sentence, in which no option of a command is broken at its hyphens.
 *
 * @param {string} sentence
 */
export function makeSentence(sentence) {
  return sentence
    .split(/(--[\w-]+)/)
    .map((part) => (part.startsWith('--') ? make('span', { class: 'whole' }, part) : part));
}

/**
 * Returns an element of the page.
 *
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

/** The folded lists that somebody has opened. They stay open if their content is made anew. */
/** @type {Set<string>} */
const opened = new Set();

/**
 * Makes a list that shows one line until somebody opens it.
 *
 * @param {string} key names the list, so that it stays open
 * @param {string} summary
 * @param {readonly (Node | string)[]} items
 */
export function makeFolded(key, summary, items) {
  return makeDetails(key, summary, make('ul', {}, ...items.map((item) => make('li', {}, item))));
}

/**
 * Makes content that shows one line until somebody opens it.
 *
 * @param {string} key names the content, so that it stays open
 * @param {string} summary
 * @param {Node} content
 */
function makeDetails(key, summary, content) {
  const details = make('details', {}, make('summary', {}, summary), content);
  details.open = opened.has(key);
  details.addEventListener('toggle', () => {
    if (details.open) opened.add(key);
    else opened.delete(key);
  });
  return details;
}

/** @typedef {{ text: string | Node, number?: boolean, mood?: string }} Cell */

/**
 * Makes a table without empty columns. Its roles are explicit, because a narrow page shows rows as blocks.
 *
 * @param {string} caption
 * @param {readonly string[]} columns
 * @param {readonly (readonly Cell[])[]} lines the first cell is the name of its row
 */
export function makeTable(caption, columns, lines) {
  const isKept = columns.map((_, n) => lines.some((line) => line[n]?.text !== ''));
  const head = columns.filter((_, n) => isKept[n]);
  const rows = lines.map((line) => line.filter((_, n) => isKept[n]));
  const titles = head.map((title, n) =>
    make('th', { scope: 'col', role: 'columnheader', class: describeColumn(rows, n) }, title),
  );
  return make(
    'table',
    { role: 'table' },
    make('caption', {}, caption),
    make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, ...titles)),
    make('tbody', { role: 'rowgroup' }, ...rows.map((row) => makeRow(head, row))),
  );
}

/** Rows of a table that are shown before it is opened. */
const MOST_ROWS = 15;

/**
 * Makes a table of which only the first rows are shown at once: what comes after it on the page stays in reach.
 *
 * @param {string} caption
 * @param {readonly string[]} columns
 * @param {readonly (readonly Cell[])[]} lines
 * @param {readonly [singular: string, plural: string]} noun of what a row is
 */
export function makeLongTable(caption, columns, lines, noun) {
  // One that is hardly longer is shown whole.
  if (lines.length <= 2 * MOST_ROWS) return [makeTable(caption, columns, lines)];
  const rest = lines.slice(MOST_ROWS);
  const others = `${formatNoun(rest.length, ...noun)} more`;
  return [
    makeTable(caption, columns, lines.slice(0, MOST_ROWS)),
    makeDetails(`rest of ${noun[1]}`, others, makeTable(others, columns, rest)),
  ];
}

/**
 * The classes of the head of a column: those of all its cells.
 *
 * @param {readonly (readonly Cell[])[]} rows
 * @param {number} n
 */
function describeColumn(rows, n) {
  const isAll = (/** @type {(cell: Cell | undefined) => boolean} */ test) =>
    rows.length > 0 && rows.every((row) => test(row[n]));
  return [
    ...(isAll((cell) => cell?.number === true) ? ['number'] : []),
    ...(isAll((cell) => cell?.mood === 'time') ? ['time'] : []),
  ].join(' ');
}

/**
 * @param {readonly string[]} head
 * @param {readonly Cell[]} row
 */
function makeRow(head, row) {
  const cells = row.map(({ text, number = false, mood = '' }, n) => {
    const name = `${number ? 'number ' : ''}${mood}`.trim();
    return n === 0
      ? make('th', { scope: 'row', role: 'rowheader', class: name, 'data-head': head[n] ?? '' }, text)
      : make('td', { role: 'cell', class: name, 'data-head': head[n] ?? '' }, text);
  });
  return make('tr', { role: 'row' }, ...cells);
}

/** @param {Element} element */
function describeFocus(element) {
  return element.getAttribute('href') ?? element.textContent;
}

/**
 * Replaces the content of an element. The focus stays on the link, the button or the folded list that has it.
 *
 * @param {Element} place
 * @param {...(Node | string)} children
 */
export function replace(place, ...children) {
  const focused = document.activeElement;
  const had = focused !== null && place.contains(focused) ? describeFocus(focused) : null;
  place.replaceChildren(...children);
  if (had === null) return;
  const again = [...place.querySelectorAll('a, button, summary')].find((one) => describeFocus(one) === had);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}
