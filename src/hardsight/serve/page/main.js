// The page: models, views, and what they share.

import { json } from "./api.js";
import { knowModels, startAttack } from "./attack.js";
import { startInspect, useModel } from "./inspect.js";
import { openRecords, startRecords } from "./records.js";
import { showModel, startThreshold } from "./threshold.js";
import { $, calm, complain, make } from "./words.js";

const tabs = [$("tab-inspect"), $("tab-records")];
let models = [];

async function loadModels() {
  models = await json("v1/models");
  if (!models.length) throw new Error("No model is served.");
  knowModels(models);
  const before = $("model").value;
  $("model").replaceChildren(...models.map(({ name }) => make("option", { value: name, textContent: name })));
  if (models.some(({ name }) => name === before)) $("model").value = before;
  use();
  calm();
}

function use() {
  const name = $("model").value;
  showModel(models.find((model) => model.name === name));
  useModel(name);
  if (!$("records").hidden) openRecords(name);
}

function open(tab) {
  for (const each of tabs) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !chosen;
  }
  location.hash = tab.getAttribute("aria-controls");
  if (tab === tabs[1]) openRecords($("model").value);
  else dispatchEvent(new Event("resize")); // what was hidden had no width to be drawn in
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tabs[1 - tabs.indexOf(tab)];
    other.focus();
    open(other);
  });
}
$("model").addEventListener("change", use);
startInspect();
startAttack();
startThreshold();
startRecords(loadModels);
try {
  await loadModels();
  if (location.hash === "#records") open(tabs[1]);
} catch (error) {
  complain(error);
}
