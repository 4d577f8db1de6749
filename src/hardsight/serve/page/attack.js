// The image that is looked at, attacked while eps is dragged, and certified when asked.

import { sendImage } from "./api.js";
import { $, complain, number, outcome } from "./words.js";

const PAUSE = 150; // ms without dragging before an attack
let models = new Map();
let name = "";
let image = null;
let timer = 0;
let running = new AbortController();

export function knowModels(found) {
  models = new Map(found.map((model) => [model.name, model]));
}

export function startAttack() {
  $("eps").addEventListener("input", () => {
    $("eps-shown").value = $("eps").value;
    clearTimeout(timer);
    timer = setTimeout(attack, PAUSE);
  });
  $("certify").addEventListener("click", certify);
}

export function showAttack(model, chosen) {
  const other = chosen !== image || model !== name;
  name = model;
  image = chosen;
  $("attack").hidden = image === null;
  const attackable = models.get(name)?.attackable ?? false;
  $("attack-on").hidden = !attackable;
  $("attack-off").hidden = attackable;
  $("attack-off").textContent = `${name} is an export, which has no gradient to attack by; serve the run it comes from.`;
  if (!other || image === null) return;
  running.abort();
  $("certificate").textContent = "";
  $("attack-pictures").hidden = true;
  $("attack-words").textContent = "Drag to see how little it takes. Nothing of this goes to the log.";
  if (Number($("eps").value) && attackable) attack();
}

async function attack() {
  running.abort();
  running = new AbortController();
  const eps = Number($("eps").value) / 255;
  const words = $("attack-words");
  words.textContent = "Attacking ...";
  words.className = "quiet";
  try {
    const path = `v1/models/${name}/attack?eps=${eps}&steps=5`;
    const found = await sendImage(path, image.file, running.signal);
    const fooled = found.label !== found.clean_label;
    words.className = fooled ? "bad" : "";
    words.textContent =
      `Score ${number(found.clean_score)} becomes ${number(found.score)} (threshold ${number(found.threshold)}): ` +
      (fooled
        ? `${outcome(found.clean_label)} is called ${outcome(found.label)}.`
        : `still ${outcome(found.label)}. A stronger attack may do more.`) +
      ` The change has an L2 norm of ${number(found.l2)}.`;
    $("attacked").src = `data:image/png;base64,${found.image}`;
    $("attacked-heat").src = `data:image/png;base64,${found.heat_map}`;
    $("perturbation").src = `data:image/jpeg;base64,${found.perturbation}`;
    $("attack-pictures").hidden = false;
  } catch (error) {
    if (error.name !== "AbortError") words.textContent = "";
    complain(error);
  }
}

async function certify() {
  const line = $("certificate");
  $("certify").disabled = true;
  line.textContent = "Scoring 100 noisy copies ...";
  try {
    const found = await sendImage(`v1/models/${name}/certify?copies=100`, image.file);
    line.textContent =
      found.radius === null
        ? `Undecided: under noise of ${found.sigma} too many copies fall on either side of the threshold.`
        : `The median score under noise of ${found.sigma} stays ${found.decision.toLowerCase()} whatever changes the image ` +
          `by an L2 norm of up to ${number(found.radius)} (confidence ${100 * found.confidence} %).`;
    if (found.radius !== null && (found.decision === "ANOMALOUS") !== image.decision.label) {
      line.textContent += " Without noise the decision is the other one: the threshold was set without noise.";
    }
  } catch (error) {
    line.textContent = "";
    complain(error);
  }
  $("certify").disabled = false;
}
