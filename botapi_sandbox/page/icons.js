/** The page's icons: stroked paths on a 24 × 24 grid. */

const NS = 'http://www.w3.org/2000/svg';

const PATHS = {
  send: ['M5 12h13', 'M12.5 5.5 19 12l-6.5 6.5'],
  attach: ['M19.5 11.5 12 19a4.8 4.8 0 0 1-6.8-6.8l7.8-7.8a3.2 3.2 0 0 1 4.5 4.5l-7.7 7.7a1.6 1.6 0 0 1-2.3-2.3l7-7'],
  mic: ['M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3z', 'M5.5 11.5a6.5 6.5 0 0 0 13 0', 'M12 18v3'],
  slash: ['M15.5 4.5 8.5 19.5'],
  keyboard: ['M3.5 7h17v10.5h-17z', 'M7 10.5h.01M10.3 10.5h.01M13.7 10.5h.01M17 10.5h.01M8.5 14h7'],
  pencil: ['M5 19l1-4L15.5 5.5l3 3L9 18z', 'M13.5 7.5l3 3'],
  close: ['M6 6l12 12', 'M18 6 6 18'],
  back: ['M14.5 5.5 8 12l6.5 6.5'],
  down: ['M6 9.5l6 6 6-6'],
  reply: ['M9.5 6 4.5 11l5 5', 'M4.5 11h9a6 6 0 0 1 6 6v1'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  copy: ['M9 9h10v10H9z', 'M15 9V5H5v10h4'],
  play: ['M8 5.5v13l10.5-6.5z'],
  pause: ['M8.5 5.5v13', 'M15.5 5.5v13'],
  stop: ['M7 7h10v10H7z'],
  file: ['M7 3.5h7l4 4v13H7z', 'M14 3.5v4h4'],
  image: ['M4 5h16v14H4z', 'M4 16l4.5-4.5 4 4 3-3L20 17', 'M15.5 9.2h.01'],
  music: [
    'M9 18V6l10-2v12',
    'M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z',
    'M19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z',
  ],
  download: ['M12 4v11', 'M7.5 11 12 15.5 16.5 11', 'M5 19.5h14'],
  link: ['M8 16 16.5 7.5', 'M9.5 7h7.5v7.5'],
  sun: [
    'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8z',
    'M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M18.4 5.6l-1.1 1.1M6.7 17.3l-1.1 1.1',
  ],
  moon: ['M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z'],
  shield: ['M12 3.5 5 6v5.5c0 4.2 2.9 7.4 7 9 4.1-1.6 7-4.8 7-9V6z', 'M9 12l2.2 2.2L15.2 10'],
  more: ['M12 5.5h.01M12 12h.01M12 18.5h.01'],
  block: ['M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z', 'M6.4 6.4l11.2 11.2'],
  plus: ['M12 5v14', 'M5 12h14'],
  trash: ['M5 7h14', 'M9.5 7V4.5h5V7', 'M7 7l.8 12.5h8.4L17 7'],
  chevron: ['M8 10l4 4 4-4'],
  offline: ['M4 4l16 16', 'M8.5 15.5a5 5 0 0 1 7 0', 'M5 12a10 10 0 0 1 4-2.4M14 9.4a10 10 0 0 1 5 2.6', 'M12 19h.01'],
  contact: ['M12 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z', 'M5 19.5c.8-3.5 3.6-5 7-5s6.2 1.5 7 5'],
  pin: ['M12 21c4-4.5 6-7.7 6-10.5a6 6 0 0 0-12 0c0 2.8 2 6 6 10.5z', 'M12 10.5h.01'],
  group: [
    'M9 6a3 3 0 1 1 0 6 3 3 0 0 1 0-6z',
    'M3.5 18.5c.5-3 2.7-4.3 5.5-4.3s5 1.3 5.5 4.3',
    'M15.5 6.3a3 3 0 0 1 0 5.5',
    'M17 14.6c2 .5 3.2 1.8 3.5 3.9',
  ],
};

/** @param {keyof typeof PATHS} name @param {string} [extraClass] */
export function icon(name, extraClass = '') {
  const svg = document.createElementNS(NS, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `icon icon-${name} ${extraClass}`.trim());
  for (const data of PATHS[name]) {
    const path = document.createElementNS(NS, 'path');
    path.setAttribute('d', data);
    svg.appendChild(path);
  }
  return svg;
}

/** The mark of the page: two speech bubbles. */
export function logo() {
  return Object.assign(document.createElement('img'), {
    src: '/sandbox/static/icon.svg',
    alt: '',
    className: 'logo',
    width: 30,
    height: 30,
  });
}
