// Small helpers; every text reaches the page as a text node, never as markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function fill(id, ...children) {
  byId(id).replaceChildren(...children);
}

export function say(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

export const figure = (number) => number.toLocaleString("en");

export const kilobytes = (octets) => `${(octets / 1000).toFixed(octets < 10_000 ? 1 : 0)}\u00a0kB`;
