// How views are made: elements with their attributes and what stands in them. Text is always text.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, inside) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...inside.flat(Infinity).filter((one) => one || one === 0));
  return element;
}

export const make = (name, attributes, ...inside) =>
  filled(document.createElement(name), attributes, inside);

export const draw = (name, attributes, ...inside) =>
  filled(document.createElementNS(SVG, name), attributes, inside);

/** A labelled field; what it explains is read out with it. */
export function field(id, label, input, hint) {
  input.id = id;
  input.name ||= id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return make("div", {}, make("label", { for: id }, label), input,
    hint && make("p", { class: "hint", id: `${id}-hint` }, hint));
}

/** The same of choices: pairs of a value and a word. */
export const choice = (id, label, pairs, chosen, more = {}) =>
  field(id, label, make("select", more, pairs.map(([value, word]) =>
    make("option", { value, selected: value === chosen }, word))));

/** Shows something in place of what stood there, and hands the focus on where it is told to. */
export function show(place, inside, focus) {
  place.replaceChildren(...[inside].flat().filter(Boolean));
  if (focus) {
    focus.tabIndex = -1;
    focus.focus();
  }
}
