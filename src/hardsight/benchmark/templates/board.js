"use strict";
(() => {
  const body = document.querySelector("#board tbody");
  const rows = [...body.rows];
  const filters = [...document.querySelectorAll("[data-filter]")];
  const heads = [...document.querySelectorAll("[data-sort]")];
  const NUMBERS = new Set(["clean", "robust", "published", "difference", "seconds"]);
  const RANKED = "robust";  // by which rows stand in the page, within each data set and threat
  const chooser = document.querySelector("[data-order]");
  let order = { key: "", down: true };

  const fits = (row) => filters.every((filter) => {
    const wanted = filter.value.toLowerCase(), value = row.dataset[filter.dataset.filter].toLowerCase();
    return !wanted || (filter.type === "search" ? value.includes(wanted) : value === wanted);
  });

  const compare = (a, b) => {
    const [x, y] = [a.dataset[order.key], b.dataset[order.key]];
    if (x === "" || y === "") return (x === "") - (y === "");  // what is not there comes last
    const sign = order.down ? -1 : 1;
    return sign * (NUMBERS.has(order.key) ? x - y : x.localeCompare(y));
  };

  const show = () => {
    const sorted = order.key ? [...rows].sort(compare) : rows;
    body.append(...sorted);
    for (const row of rows) row.hidden = !fits(row);
    const count = rows.filter((row) => !row.hidden).length;
    document.querySelector("#shown").textContent = `${count} of ${rows.length} lines`;
    document.querySelector("#none").hidden = count > 0;
    chooser.value = (order.key && order.down ? "-" : "") + order.key;
    const key = order.key || RANKED, sort = !order.key ? "other" : order.down ? "descending" : "ascending";
    for (const head of heads) head.parentElement.setAttribute("aria-sort", head.dataset.sort === key ? sort : "none");
    const by = heads.find((head) => head.dataset.sort === key).textContent;
    const told = document.querySelector("#ordered");
    told.textContent = order.key ? `Ordered by ${by}, ${order.down ? "high" : "low"} first.` : told.dataset.ranked;
  };

  const remember = () => {
    const state = new URLSearchParams();
    for (const filter of filters) if (filter.value) state.set(filter.dataset.filter, filter.value);
    if (order.key) state.set("sort", (order.down ? "-" : "") + order.key);
    history.replaceState(null, "", `#${state}`);
    show();
  };

  const arrange = (sort) => {
    order = { key: sort.replace(/^-/, ""), down: sort.startsWith("-") };
    if (!heads.some((head) => head.dataset.sort === order.key)) order.key = "";
  };

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const filter of filters) filter.value = state.get(filter.dataset.filter) ?? "";
    arrange(state.get("sort") ?? "");
    show();
  };

  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  for (const filter of filters) filter.addEventListener("input", remember);
  for (const head of heads) head.addEventListener("click", () => {
    const key = head.dataset.sort;
    order = { key, down: order.key === key ? !order.down : NUMBERS.has(key) };
    remember();
  });
  chooser.addEventListener("input", () => { arrange(chooser.value); remember(); });
  addEventListener("hashchange", recall);
  recall();
})();
