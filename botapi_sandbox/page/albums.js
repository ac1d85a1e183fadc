/** Pictures and films that were sent together stand together. */

import { h } from './dom.js';
import { isEdgeless, mediaKind } from './media.js';

/** @typedef {{node: HTMLElement, message: any}} Item a row with its message, or a line without one (null) */

export class Albums {
  constructor() {
    /** @type {Map<string, HTMLElement>} */
    this.boxes = new Map();
  }

  clear() {
    this.boxes.clear();
  }

  /**
   * The nodes of the log in order, the rows of an album in a box of their own.
   * @param {Item[]} items
   * @returns {HTMLElement[]}
   */
  arrange(items) {
    const nodes = [];
    for (let start = 0; start < items.length;) {
      const end = endOfAlbum(items, start);
      const run = items.slice(start, end);
      if (run.length > 1) nodes.push(this.fillBox(run));
      else nodes.push(run[0].node);
      start = end;
    }
    return nodes;
  }

  fillBox(run) {
    const id = run[0].message.media_group_id;
    const box = this.boxes.get(id) ?? h('div', { class: 'album' });
    this.boxes.set(id, box);
    box.classList.toggle('out', run[0].node.classList.contains('out'));
    const rows = run.map((item) => item.node);
    if (rows.length !== box.children.length || rows.some((row, index) => box.children[index] !== row)) {
      box.replaceChildren(...rows);
    }
    return box;
  }
}

/** @param {Item[]} items @param {number} start @returns {number} the index after the album that begins at `start` */
function endOfAlbum(items, start) {
  const id = albumOf(items[start]);
  let end = start + 1;
  while (id !== null && end < items.length && albumOf(items[end]) === id) end += 1;
  return end;
}

function albumOf({ message }) {
  return message?.media_group_id && isEdgeless(mediaKind(message)) ? message.media_group_id : null;
}
