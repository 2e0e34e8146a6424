"use strict";
/* Sorting, filtering, and showing one run in the table, the curves and the parallel coordinates at once. */
const body = document.querySelector(".runs tbody");
const rows = [...body.rows];
const lines = new Map(rows.map((row) => [row.id.slice(4), []]));
document.querySelectorAll("path[data-run]").forEach((path) => lines.get(path.dataset.run).push(path));
const named = document.getElementById("named");
let lit = null;

function light(number) {
  if (number === lit) return;
  for (const [old, on] of [[lit, false], [number, true]]) {
    if (old === null) continue;
    document.getElementById("run-" + old).classList.toggle("on", on);
    lines.get(old).forEach((path) => path.classList.toggle("on", on));
  }
  lit = number;
  document.body.classList.toggle("dim", number !== null && lines.get(number).length > 0);
}

rows.forEach((row) => {
  row.addEventListener("pointerenter", () => light(row.id.slice(4)));
  row.addEventListener("pointerleave", () => light(null));
});
document.querySelectorAll("path[data-run]").forEach((path) => {
  const row = document.getElementById("run-" + path.dataset.run);
  path.addEventListener("pointerenter", () => {
    light(path.dataset.run);
    named.textContent = row.cells[0].dataset.sort;
    named.hidden = false;
  });
  path.addEventListener("pointerleave", () => { light(null); named.hidden = true; });
  path.addEventListener("click", () => row.scrollIntoView({ block: "center" }));
});

function sortBy(head, column) {
  const values = rows.map((row) => row.cells[column].dataset.sort);
  const numeric = values.every((value) => value === "" || !isNaN(value));
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const order = rows.map((row, i) => [row, values[i]]);
  order.sort(([, a], [, b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); /* what has no value stays last */
    return sign * (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));
  });
  order.forEach(([row]) => body.append(row));
  document.querySelectorAll(".runs th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
}

document.querySelectorAll(".runs th:not(.fixed)").forEach((head) => {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => sortBy(head, head.cellIndex));
});

const tools = document.querySelector(".tools");
tools.hidden = rows.length < 2;
tools.querySelector("input").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row) => {
    const text = row.textContent.toLowerCase();
    const kept = words.every((word) => text.includes(word));
    row.hidden = !kept;
    lines.get(row.id.slice(4)).forEach((path) => path.classList.toggle("off", !kept));
    shown += kept;
  });
  document.getElementById("shown").textContent = words.length ? `${shown} of ${rows.length} runs` : "";
});
