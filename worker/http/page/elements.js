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

/**
 * Replaces the content of an element. The focus stays on the link that has it.
 *
 * @param {Element} place
 * @param {...(Node | string)} children
 */
export function replace(place, ...children) {
  const focused = document.activeElement;
  const link = focused !== null && place.contains(focused) ? focused.getAttribute('href') : null;
  place.replaceChildren(...children);
  if (link !== null) {
    const again = [...place.querySelectorAll('a')].find((one) => one.getAttribute('href') === link);
    again?.focus({ preventScroll: true });
  }
}
