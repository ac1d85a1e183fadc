/** Small panels that open from a button and close on Escape, on a click elsewhere or on a choice. */

/** @type {{panel: HTMLElement, button: HTMLElement|null, onClose?: () => void}|null} */
let open = null;

/** @param {HTMLElement} panel @param {HTMLElement|null} button @param {() => void} [onClose] */
export function openPopover(panel, button, onClose) {
  closePopover();
  panel.hidden = false;
  button?.setAttribute('aria-expanded', 'true');
  open = { panel, button, onClose };
}

export function closePopover() {
  if (open === null) return;
  const { panel, button, onClose } = open;
  open = null;
  panel.hidden = true;
  button?.setAttribute('aria-expanded', 'false');
  onClose?.();
}

/** @param {HTMLElement} panel @param {HTMLElement} button */
export function togglePopover(panel, button) {
  const wasOpen = open?.panel === panel;
  closePopover();
  if (wasOpen) return;
  openPopover(panel, button);
  /** @type {HTMLElement|null} */ (panel.querySelector('button, input, a'))?.focus({ preventScroll: true });
}

document.addEventListener('pointerdown', (event) => {
  const target = /** @type {Node} */ (event.target);
  if (open && !open.panel.contains(target) && !open.button?.contains(target)) closePopover();
});

document.addEventListener(
  'keydown',
  (event) => {
    if (event.key !== 'Escape' || open === null) return;
    const { button } = open;
    event.stopPropagation();
    closePopover();
    button?.focus();
  },
  true,
);
