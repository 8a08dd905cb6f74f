// Building and changing what is shown. Nodes are changed in place, never made anew for an update: focus,
// selection and a screen reader's place stay where they are.

const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

export function drawn(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

// One child of `parent` for each item, in their order. make(item) gives a new node, fill(node, item) brings
// one up to date.
export function keyed(parent, items, keyOf, make, fill) {
  const before = shown.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const node = before.get(key) ?? make(item);
    before.delete(key);
    after.set(key, node);
    fill(node, item);
  }
  for (const node of before.values()) node.remove();
  let place = parent.firstElementChild;
  for (const node of after.values()) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  shown.set(parent, after);
}

// A colour of the theme as a canvas takes it.
export function colour(name) {
  const probe = byId("announcement");
  probe.style.color = `var(--${name})`;
  const found = getComputedStyle(probe).color;
  probe.style.color = "";
  return found;
}
