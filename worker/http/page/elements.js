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
  const list = make('ul', {}, ...items.map((item) => make('li', {}, item)));
  const details = make('details', {}, make('summary', {}, summary), list);
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
  const isNumber = head.map((_, n) => rows.length > 0 && rows.every((row) => row[n]?.number === true));
  const titles = head.map((title, n) =>
    make('th', { scope: 'col', role: 'columnheader', class: isNumber[n] ? 'number' : '' }, title),
  );
  return make(
    'table',
    { role: 'table' },
    make('caption', {}, caption),
    make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, ...titles)),
    make('tbody', { role: 'rowgroup' }, ...rows.map((row) => makeRow(head, row))),
  );
}

/**
 * @param {readonly string[]} head
 * @param {readonly Cell[]} row
 */
function makeRow(head, row) {
  const cells = row.map(({ text, number = false, mood = '' }, n) => {
    const name = `${number ? 'number ' : ''}${mood}`.trim();
    return n === 0
      ? make('th', { scope: 'row', role: 'rowheader', class: name }, text)
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
