// The log: filters, pictures, feedback, CSV, drift, and a threshold from feedback.

import { call, json, send } from "./api.js";
import { $, calm, canvas, chance, colour, complain, make, number, tone, verdict } from "./words.js";

const PAGE = 50;
const STREAMS = { score: "blue", brightness: "amber", contrast: "teal", sharpness: "violet" };
let model = null;
let beyond = null;
let asking = 0; // of the newest question: a late answer to an earlier one is dropped
let changed = () => {};
let drift = null;

export function startRecords(whenChanged) {
  changed = whenChanged;
  $("filters").addEventListener("change", show);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("more").addEventListener("click", more);
  $("csv").addEventListener("click", saveCsv);
  $("recalibrate").addEventListener("submit", recalibrate);
  addEventListener("resize", drawDrift);
}

export async function openRecords(found) {
  model = found;
  for (const option of document.querySelectorAll("#filters .two")) option.hidden = !model.beside;
  await Promise.all([show(), showDrift()]);
}

function asked() {
  const found = new URLSearchParams({ model: model.name });
  const { verdict: wanted, since, ...others } = Object.fromEntries(new FormData($("filters")));
  for (const [key, value] of Object.entries(others)) if (value) found.set(key, value);
  if (since) found.set("since", new Date(since).toISOString());
  if (wanted) found.set(...wanted.split("="));
  return found;
}

async function show() {
  beyond = null;
  $("rows").replaceChildren();
  await more();
}

async function more() {
  const mine = (asking += 1);
  const query = asked();
  query.set("limit", PAGE);
  if (beyond !== null) query.set("before", beyond);
  try {
    const page = await json(`v1/decisions?${query}`);
    if (mine !== asking) return; // asked anew meanwhile
    $("rows").append(...page.decisions.map(row));
    $("total").textContent = `${page.total}`;
    $("rows-empty").hidden = page.total > 0;
    beyond = page.beyond;
    $("more").hidden = beyond === null;
    calm();
  } catch (error) {
    complain(error);
  }
}

function row(decision) {
  const cells = [
    make("td", {}, picture(decision)),
    make("td", { textContent: new Date(decision.time).toLocaleString() }),
    make("td", { className: "source", textContent: decision.source, title: decision.source }),
    make("td", { textContent: `${number(decision.score)} / ${number(decision.threshold)}`, title: "score / threshold" }),
    make("td", { textContent: `p ${chance(decision.p_value)}` }),
    make("td", { className: tone(decision.verdict), textContent: verdict(decision.verdict) }),
    make("td", {}, judgement(decision)),
  ];
  return make("tr", {}, ...cells);
}

const KINDS = { "thumbnail.jpg": "", "heat.png": "heat" };

function picture({ id, pictures }) {
  const layers = make("div", { className: "layers none", title: "No picture is kept" });
  fill(layers, id, pictures).catch((error) => {
    if (error.status !== 404) complain(error); // it made room for others meanwhile
  });
  return layers;
}

async function fill(layers, id, pictures) {
  for (const [name, kind] of Object.entries(KINDS).filter(([one]) => pictures.includes(one))) {
    const blob = await (await call(`v1/decisions/${id}/${name}`)).blob();
    layers.append(make("img", { src: URL.createObjectURL(blob), className: kind, alt: "" }));
    layers.className = "layers";
    layers.title = "";
  }
}

function judgement(decision) {
  const place = make("span", { className: "row" });
  const last = decision.feedback.at(-1);
  const words = (truth) => (truth ? "a defect" : "a good part");
  const said = make("span", { className: "quiet", textContent: last ? `was ${words(last.anomalous)}` : "" });
  const buttons = [false, true].map((truth) => {
    const button = make("button", { type: "button", textContent: truth ? "Defect" : "Good" });
    button.setAttribute("aria-label", `It was ${words(truth)}`);
    button.addEventListener("click", async () => {
      try {
        await send(`v1/decisions/${decision.id}/feedback`, { anomalous: truth, author: "page" });
        said.textContent = `was ${words(truth)}`;
        calm();
      } catch (error) {
        complain(error);
      }
    });
    return button;
  });
  place.append(...buttons, said);
  return place;
}

async function saveCsv() {
  try {
    const blob = await (await call(`v1/decisions.csv?${asked()}`)).blob();
    const link = make("a", { href: URL.createObjectURL(blob), download: "decisions.csv" });
    link.click();
  } catch (error) {
    complain(error);
  }
}

async function recalibrate(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const since = new Date(form.get("since")).toISOString();
  const line = $("recalibrated");
  try {
    const made = await send(`v1/models/${model.name}/recalibrate`, { since, level: Number(form.get("level")) / 100 });
    line.className = "good";
    line.textContent = `Version ${made.version} is in force: ${number(made.threshold)}. ${made.statement}`;
    await changed();
  } catch (error) {
    line.className = "bad";
    line.textContent = error.message;
  }
}

async function showDrift() {
  drift = null;
  $("drift-words").textContent = "Reading the log ...";
  try {
    drift = await json(`v1/models/${model.name}/drift`);
  } catch (error) {
    complain(error);
    return;
  }
  const drifted = Object.entries(drift.streams).filter(([, { alarms }]) => alarms.length);
  const shown = drift.streams.score.evidence.length;
  $("drift-words").textContent = !shown
    ? "No decision yet."
    : drifted.length
      ? `What comes now is not what the detector was set on any more: ${drifted.map(alarmed).join("; ")}. ` +
        "Look at the light, the lens and the parts."
      : `No drift in the last ${shown} decisions. While nothing changes, a false alarm comes at most once in ` +
        `${drift.once_in.toLocaleString()} parts, on average.`;
  $("drift-words").className = drifted.length ? "bad" : "";
  drawDrift();
}

const alarmed = ([name, { alarms, evidence }]) =>
  `${alarms.length} alarm${alarms.length > 1 ? "s" : ""} of the ${name}, the first at decision ${alarms[0] + 1} of the last ` +
  `${evidence.length}`;

function drawDrift() {
  if (!drift || $("records").hidden) return;
  $("drift-legend").replaceChildren(
    ...Object.keys(drift.streams).map((name) => make("li", { className: STREAMS[name], textContent: name })),
  );
  canvas("drift", (pen, width, height) => {
    const least = -4; // a ten-thousandth of the limit is no evidence
    const y = (share) => 18 + (Math.max(least, Math.log10(Math.max(share, 1e-9))) / least) * (height - 24);
    pen.fillStyle = colour("bad");
    pen.fillRect(0, y(1), width, 1);
    pen.fillText("alarm", 4, y(1) - 4);
    for (const [name, { evidence, alarms }] of Object.entries(drift.streams)) {
      const x = (i) => (evidence.length > 1 ? (i / (evidence.length - 1)) * (width - 8) + 4 : width / 2);
      pen.strokeStyle = pen.fillStyle = colour(STREAMS[name]);
      pen.lineWidth = 1.5;
      pen.beginPath();
      evidence.forEach((share, i) => pen.lineTo(x(i), y(Math.min(share, 1))));
      pen.stroke();
      for (const i of alarms) {
        pen.beginPath();
        pen.arc(x(i), y(1), 4, 0, 7);
        pen.fill();
      }
    }
  });
}
