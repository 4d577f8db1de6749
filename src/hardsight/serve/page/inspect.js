// Images from files, folders and the camera: each is scored, shown, and can be judged.

import { send, sendImage } from "./api.js";
import { showAttack } from "./attack.js";
import { showScores } from "./threshold.js";
import { $, calm, chance, complain, make, number, tone, verdict } from "./words.js";

const AT_ONCE = 4;
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const images = []; // {file, url, decision, button}
const waiting = [];
let running = 0;
let modelName = "";
let chosen = null;
let stream = null;

export function useModel(name) {
  modelName = name;
  showAttack(modelName, chosen);
  next(); // images may have been dropped before a model was known
}

export function startInspect() {
  for (const id of ["files", "folder"]) {
    $(id).addEventListener("change", (event) => {
      take(event.target.files);
      event.target.value = "";
    });
  }
  const drop = $("drop");
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    });
  }
  addEventListener("drop", async (event) => take(await dropped(event.dataTransfer)));
  $("opacity").addEventListener("input", fade);
  $("judge").addEventListener("click", judge);
  $("camera-open").addEventListener("click", openCamera);
  $("camera-close").addEventListener("click", closeCamera);
  $("camera-shoot").addEventListener("click", shoot);
}

export function take(files) {
  const found = [...files].filter((file) => file.type.startsWith("image/") || /\.tiff?$/i.test(file.name));
  if (!found.length && files.length) {
    complain(new Error(`None of the ${files.length} files is an image.`));
    return;
  }
  for (const file of found) waiting.push(add(file));
  next();
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return transfer.files;
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const each of some) await walk(each, found);
  }
}

function add(file) {
  const before = images.filter((other) => other.file.name === file.name).length;
  const told = before ? `${file.name} (${before + 1})` : file.name;
  const image = { file, told, url: URL.createObjectURL(file), decision: null };
  image.tag = make("span", { className: "tag quiet", textContent: "waits" });
  const small = make("img", { src: image.url, alt: "", onerror: () => (small.src = BLANK) });
  const name = make("span", { className: "name", textContent: told, title: told });
  image.button = make("button", { type: "button" }, small, image.tag, name);
  image.button.setAttribute("aria-pressed", "false");
  image.button.addEventListener("click", () => choose(image));
  images.push(image);
  $("results").prepend(make("li", {}, image.button));
  $("results-empty").hidden = true;
  return image;
}

function next() {
  while (modelName && running < AT_ONCE && waiting.length) {
    running += 1;
    const image = waiting.shift();
    score(image).finally(() => {
      running -= 1;
      next();
    });
  }
}

async function score(image) {
  try {
    const path = `v1/models/${modelName}/score?heat_map=true&source=page`;
    const { decisions } = await sendImage(path, image.file);
    image.decision = decisions[0];
    image.heat = `data:image/png;base64,${image.decision.heat_map}`;
    calm();
  } catch (error) {
    if (error.status === 429) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * (error.wait || 1)));
      waiting.push(image);
      return;
    }
    image.tag.textContent = error.status ? "refused" : "not sent";
    image.tag.className = "tag bad";
    image.button.title = error.message;
    complain(error);
    return;
  }
  image.tag.textContent = `${verdict(image.decision.verdict)}, p ${chance(image.decision.p_value)}`;
  image.tag.className = `tag ${tone(image.decision.verdict)}`;
  tally();
  if (chosen === null || !waiting.length) choose(image);
}

const decided = () => images.filter((image) => image.decision);

function tally() {
  const all = decided();
  const alarms = all.filter((image) => image.decision.label).length;
  const suspicious = all.filter((image) => image.decision.verdict === "suspicious").length;
  $("tally").textContent =
    `${all.length} scored, ${alarms - suspicious} anomalous` + (suspicious ? `, ${suspicious} suspicious` : "");
}

function choose(image) {
  if (!image.decision) return;
  chosen?.button.setAttribute("aria-pressed", "false");
  chosen = image;
  image.button.setAttribute("aria-pressed", "true");
  const { verdict: word, score: value, threshold, p_value: p } = image.decision;
  $("detail").hidden = false;
  $("verdict").textContent = verdict(word);
  $("verdict").className = tone(word);
  $("shown-name").textContent = image.told;
  $("photo").src = image.url;
  $("heat").src = image.heat;
  fade();
  $("score").textContent = number(value);
  $("threshold").textContent = number(threshold);
  $("p-value").textContent = chance(p);
  $("p-words").textContent = meaning(image.decision);
  for (const button of $("judge").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(image.truth === (button.dataset.truth === "true")));
  }
  const scores = decided().map((each) => each.decision.score);
  showScores(scores, value);
  showAttack(modelName, image);
}

function meaning({ verdict: word, p_value: p, p_robust: robust, p_suspicion: suspicion }) {
  const share = (chanceOf) => `${(100 * chanceOf).toPrecision(2)} %`;
  if (robust === null) return `Of normal images, at most ${share(p)} score as high as this one.`;
  return (
    `Of normal images, at most ${share(robust)} look as anomalous to the robust detector, and ${share(suspicion)} ` +
    "as suspicious beside the second one." +
    (word === "suspicious" ? " This one is to be inspected again." : "")
  );
}

function fade() {
  $("heat").style.opacity = $("opacity").value / 100;
}

async function judge(event) {
  const truth = event.target.dataset.truth;
  if (truth === undefined || !chosen) return;
  try {
    await send(`v1/decisions/${chosen.decision.id}/feedback`, { anomalous: truth === "true", author: "page" });
    chosen.truth = truth === "true";
    calm();
    choose(chosen);
  } catch (error) {
    complain(error);
  }
}

async function openCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    complain(new Error(`The camera cannot be used: ${error.message ?? "none is there"}.`));
    return;
  }
  $("video").srcObject = stream;
  await $("video").play();
  calm();
  $("camera").hidden = false;
  $("camera-shoot").focus();
}

function closeCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  $("camera").hidden = true;
  $("camera-open").focus();
}

function shoot() {
  const video = $("video");
  const sheet = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  sheet.getContext("2d").drawImage(video, 0, 0);
  const name = `camera ${new Date().toISOString().slice(11, 19)}.png`;
  sheet.toBlob((blob) => take([new File([blob], name, { type: "image/png" })]));
}
