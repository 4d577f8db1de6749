// The page: models, views, and what they share.

import { json } from "./api.js";
import { knowModels, startAttack } from "./attack.js";
import { startInspect, useModel } from "./inspect.js";
import { openRecords, startRecords } from "./records.js";
import { openReports } from "./reports.js";
import { showModel, startThreshold } from "./threshold.js";
import { $, calm, complain, make } from "./words.js";

const tabs = [$("tab-inspect"), $("tab-records"), $("tab-reports")];
const OPENED = {
  inspect: () => dispatchEvent(new Event("resize")), // what was hidden had no width to be drawn in
  records: () => openRecords(chosen()),
  reports: () => openReports(chosen().name),
};
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

const chosen = () => models.find(({ name }) => name === $("model").value);

function use() {
  const model = chosen();
  document.body.dataset.aspect = model.aspect;
  showModel(model);
  useModel(model.name);
  for (const [view, opened] of Object.entries(OPENED)) if (!$(view).hidden) opened();
}

function open(tab) {
  for (const each of tabs) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !chosen;
  }
  const view = tab.getAttribute("aria-controls");
  history.replaceState(null, "", `#${view}`); // without a jump
  OPENED[view]();
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const other = tabs.at((tabs.indexOf(tab) + step) % tabs.length);
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
  const linked = $(`tab-${location.hash.slice(1)}`);
  if (linked) open(linked);
} catch (error) {
  complain(error);
}
