// Reports and audits that commands wrote beside the run: each opens in a tab of its own.

import { call, json } from "./api.js";
import { $, calm, complain, make } from "./words.js";

export async function openReports(model) {
  try {
    const found = await json(`v1/models/${model}/reports`);
    $("report-list").replaceChildren(...found.map((report) => item(model, report)));
    $("reports-empty").hidden = found.length > 0;
    calm();
  } catch (error) {
    complain(error);
  }
}

function item(model, report) {
  const button = make("button", { type: "button", textContent: report.title });
  const path = report.path.split("/").map(encodeURIComponent).join("/");
  button.addEventListener("click", () => show(`v1/models/${model}/reports/${path}`));
  const when = new Date(report.time).toLocaleString();
  return make("li", {}, button, make("span", { className: "quiet", textContent: `${report.path}, ${when}` }));
}

async function show(path) {
  try {
    const blob = await (await call(path)).blob(); // a link could not carry the token
    open(URL.createObjectURL(blob), "_blank", "noopener");
  } catch (error) {
    complain(error);
  }
}
