// The threshold over the histogram of held-out normals, and what moving it costs.

import { $, canvas, colour, number, percent } from "./words.js";

const BINS = 40;
const BOTTOM = 20;
let model = null;
let shown = []; // scores of the images on the page
let current = null; // of the image that is looked at
let range = [0, 1];

export function showModel(found) {
  model = found;
  $("statement").textContent = `In force (version ${model.threshold_version}): ${model.statement}`;
  measure();
  set(model.threshold);
}

export function showScores(scores, one) {
  shown = scores;
  current = one;
  measure();
  set(trial());
}

export function startThreshold() {
  $("trial").addEventListener("input", draw);
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function measure() {
  const before = model && $("trial").dataset.value ? trial() : null;
  const all = [...model.normal_scores, model.threshold];
  const low = Math.min(...all);
  const high = Math.max(...all);
  const margin = (high - low || 1) * 0.25;
  range = [low - margin / 5, high + margin];
  if (before !== null) set(before);
}

function set(value) {
  const place = (value - range[0]) / (range[1] - range[0]);
  $("trial").value = Math.round(1000 * place);
  $("trial").dataset.value = value; // as exact as the model says, until somebody drags
  draw({ type: "set" });
}

const trial = () => Number($("trial").dataset.value);

function draw(event) {
  if (!model) return;
  if (event?.type === "input") {
    $("trial").dataset.value = range[0] + ($("trial").value / 1000) * (range[1] - range[0]);
  }
  const at = trial();
  const normals = model.normal_scores;
  const below = new Array(BINS).fill(0);
  const above = new Array(BINS).fill(0);
  for (const score of normals) {
    const bin = Math.min(BINS - 1, Math.floor(((score - range[0]) / (range[1] - range[0])) * BINS));
    (score > at ? above : below)[bin] += 1;
  }
  canvas("histogram", (pen, width, height) => {
    const x = (score) => ((score - range[0]) / (range[1] - range[0])) * width;
    const top = Math.max(...below.map((count, bin) => count + above[bin]));
    const floor = height - BOTTOM;
    const bar = (left, right, count, ink) => {
      if (count === 0) return;
      pen.fillStyle = ink;
      const tall = (count / top) * (floor - 18);
      pen.fillRect(left + 1, floor - tall, Math.max(1, right - left - 2), tall);
    };
    const [quiet, bad] = [colour("quiet"), colour("bad")];
    for (let bin = 0; bin < BINS; bin += 1) {
      const [left, right] = [(bin * width) / BINS, ((bin + 1) * width) / BINS];
      const cut = Math.max(left, Math.min(right, x(at))); // the bar of the threshold is two
      bar(left, cut, below[bin], quiet);
      bar(cut, right, above[bin], bad);
    }
    pen.fillStyle = colour("line");
    pen.fillRect(0, floor, width, 1);
    mark(pen, x(at), floor, colour("blue"), width, "threshold");
    if (current !== null) {
      pen.fillStyle = current > at ? colour("bad") : colour("good");
      const place = Math.max(7, Math.min(width - 7, x(current)));
      pen.beginPath();
      pen.arc(place, floor, 6, 0, 7);
      pen.fill();
      label(pen, current > range[1] ? "this image, far beyond \u2192" : "this image", place, height - 3, width);
    }
  });
  const raised = normals.filter((score) => score > at).length;
  const alarms = shown.filter((score) => score > at).length;
  const here = shown.length ? ` Of the ${shown.length} image${shown.length === 1 ? "" : "s"} here, ${alarms} would raise an alarm.` : "";
  const rate = percent((raised + 1) / (normals.length + 1));
  $("cost").textContent =
    `At ${number(at)}, ${raised} of ${normals.length} held-out normal images are above: up to ${rate} false alarms.${here}`;
}

function mark(pen, x, floor, ink, width, words) {
  pen.fillStyle = ink;
  pen.fillRect(x - 1, 0, 2, floor);
  label(pen, words, x, 12, width);
}

function label(pen, words, x, y, width) {
  pen.textAlign = x > width / 2 ? "right" : "left";
  pen.fillText(words, x + (x > width / 2 ? -7 : 7), y);
}
