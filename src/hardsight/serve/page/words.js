// Numbers and errors as people read them.

export const $ = (id) => document.getElementById(id);

export function number(value) {
  const size = Math.abs(value);
  if (value === 0) return "0";
  return size >= 1e4 || size < 1e-3 ? value.toExponential(2) : value.toPrecision(4);
}

export const chance = (p) => String(Number(p.toPrecision(2)));

export const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

export const verdict = (word) => word[0].toUpperCase() + word.slice(1);

export const tone = (word) => ({ good: "good", suspicious: "warn" })[word] ?? "bad";

export const outcome = (label) => (label ? "anomalous" : "good"); // of an attacked image

export function complain(error) {
  if (error.name === "AbortError") return;
  const line = $("status");
  line.textContent = error.message;
  line.hidden = false;
}

export function calm() {
  $("status").hidden = true;
}

export function colour(name) {
  const probe = make("span"); // a variable itself is not resolved to one of light and dark
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function make(tag, properties = {}, ...children) {
  const found = Object.assign(document.createElement(tag), properties);
  found.append(...children);
  return found;
}

export function canvas(id, draw) {
  const sheet = $(id);
  const scale = devicePixelRatio || 1;
  const width = sheet.clientWidth;
  const height = Number(sheet.dataset.height ?? sheet.getAttribute("height"));
  sheet.dataset.height = height;
  sheet.width = width * scale;
  sheet.height = height * scale;
  sheet.style.height = `${height}px`;
  const pen = sheet.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "12px system-ui, sans-serif";
  draw(pen, width, height);
}
