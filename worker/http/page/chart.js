import { make } from './elements.js';
import { formatAxisEnd, formatNoun, formatTime } from './format.js';

/** @typedef {{ at: number, value: number, name: string, failed: boolean }} Point */

const HEIGHT = 180;
const LEFT = 72;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 26;
const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes a bar chart over time with its caption. Returns an empty list if there is nothing to show but zeros.
 *
 * @param {string} title
 * @param {readonly Point[]} points the oldest first
 * @param {(value: number) => string} format
 * @param {number} width in pixels, so that letters keep their size
 */
export function makeChart(title, points, format, width) {
  const [first] = points;
  const newest = points.at(-1);
  if (first === undefined || newest === undefined || width < 2 * LEFT) return [];
  if (points.every(({ value }) => value === 0)) return [];
  const most = Math.max(0, ...points.map(({ value }) => value));
  const least = Math.min(0, ...points.map(({ value }) => value));
  const barWidth = Math.min(16, Math.max(2, (width - LEFT - RIGHT) / points.length / 1.5));
  const span = newest.at - first.at;
  const x = (/** @type {number} */ at) =>
    LEFT + (span === 0 ? 0.5 : (at - first.at) / span) * (width - LEFT - RIGHT - barWidth);
  const y = (/** @type {number} */ value) =>
    TOP + (most === least ? 1 : (most - value) / (most - least)) * (HEIGHT - TOP - BOTTOM);
  const bars = points.map(({ at, value, name, failed }) => {
    const top = Math.min(y(value), y(0));
    const bar = draw('rect', {
      class: failed ? 'bar failed' : 'bar',
      x: x(at),
      width: barWidth,
      y: top,
      // A small value is visible too.
      height: Math.max(value === 0 ? 0 : 1, Math.abs(y(0) - y(value))),
    });
    const tip = draw('title', {});
    tip.textContent = `${name}, ${formatTime(new Date(at).toISOString())}: ${format(value)}`;
    bar.append(tip);
    return bar;
  });
  const from = formatTime(new Date(first.at).toISOString());
  const until = formatTime(new Date(newest.at).toISOString());
  // Not everybody can see the colour.
  const marks = points.flatMap(({ at, failed }) =>
    failed ? [write(x(at) + barWidth / 2, y(0) - 4, 'middle', '\u00d7', 'mark')] : [],
  );
  const svg = draw('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img' });
  svg.setAttribute(
    'aria-label',
    `${title}: ${formatNoun(points.length, 'run')} from ${from} to ${until}, the most ${format(most)}, the last ${format(newest.value)}. The table of runs has all numbers.`,
  );
  svg.append(
    draw('line', { class: 'axis', x1: LEFT, x2: width - RIGHT, y1: y(0), y2: y(0) }),
    ...bars,
    ...marks,
    write(LEFT - 6, y(most) + 4, 'end', format(most)),
    ...(least < 0 ? [write(LEFT - 6, y(least) + 4, 'end', format(least))] : []),
    ...(most === 0 && least === 0 ? [] : [write(LEFT - 6, y(0) + 4, 'end', '0')]),
    ...(span === 0
      ? [write(width / 2, HEIGHT - 6, 'middle', formatAxisEnd(first.at, span))]
      : [
          write(LEFT, HEIGHT - 6, 'start', formatAxisEnd(first.at, span)),
          write(width - RIGHT, HEIGHT - 6, 'end', formatAxisEnd(newest.at, span)),
        ]),
  );
  return [make('figure', {}, make('figcaption', {}, title), svg)];
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === 'number' ? value.toFixed(1) : value);
  }
  return element;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {'start' | 'middle' | 'end'} anchor
 * @param {string} text
 * @param {string} name of its class
 */
function write(x, y, anchor, text, name = '') {
  const element = draw('text', { x, y, 'text-anchor': anchor, class: name });
  element.textContent = text;
  return element;
}
