/** Builds DOM nodes. Data only ever enters as text nodes or attributes, never as markup. */

/**
 * @param {string} tag
 * @param {Record<string, any>} [props] `class`, `testid`, `data`, `on`, `hidden`; the rest are attributes (null skips)
 * @param {...(Node|string|null|undefined|false|Array<any>)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) applyProp(node, name, value);
  append(node, children);
  return node;
}

function applyProp(node, name, value) {
  if (value === null || value === undefined) return;
  if (name === 'class') node.className = value;
  else if (name === 'testid') node.dataset.testid = value;
  else if (name === 'data') Object.assign(node.dataset, value);
  else if (name === 'on') for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
  else if (typeof value === 'boolean') node.toggleAttribute(name, value);
  else node.setAttribute(name, String(value));
}

/** @param {Node} node @param {Array<any>} children */
export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** @param {Element} node @param {...any} children */
export function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/** A round button that shows only an icon. */
export function iconButton(icon, label, props = {}) {
  const extra = props.class ? ` ${props.class}` : '';
  return h(
    'button',
    { type: 'button', 'aria-label': label, title: label, ...props, class: `icon-button${extra}` },
    icon,
  );
}
