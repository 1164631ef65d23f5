// Tables that sort by a click on a heading, each group of rows in itself; and a filter over the leaderboard.
"use strict";

function cellValue(row, column) {
  const cell = row.cells[column];
  if (!("value" in cell.dataset)) return cell.textContent.trim().toLowerCase();
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

function compare(a, b) {
  if (typeof a === "string") return a.localeCompare(b, undefined, { numeric: true });
  return a - b;
}

function linesOf(body) {
  return Array.from(body.rows).filter((row) => !row.classList.contains("title"));
}

function sortBy(body, column, direction) {
  const rows = linesOf(body).map((row) => ({ row, value: cellValue(row, column) }));
  rows.sort((a, b) => {
    // What has no value stays last, whichever way the others are sorted.
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    return direction * compare(a.value, b.value);
  });
  body.append(...rows.map((each) => each.row));
}

function makeSortable(table) {
  const headings = Array.from(table.tHead.rows[0].cells);
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const first = heading.dataset.first || (heading.classList.contains("number") ? "descending" : "ascending");
      const other = first === "ascending" ? "descending" : "ascending";
      const order = before === first ? other : first;
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
      for (const body of table.tBodies) sortBy(body, column, order === "ascending" ? 1 : -1);
    });
  });
}

function filter(words) {
  let shown = 0;
  let runs = 0;
  for (const body of document.querySelectorAll("#leaderboard tbody")) {
    const rows = linesOf(body);
    for (const row of rows) {
      const text = `${body.dataset.words} ${row.textContent}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const left = rows.filter((row) => !row.hidden).length;
    body.hidden = left === 0;
    // Whoever looks for something sees it, whether or not the group was opened.
    body.classList.toggle("sought", words.length > 0);
    if (!body.classList.contains("measured")) continue;
    runs += rows.length;
    shown += left;
  }
  document.getElementById("count").textContent = `${shown} of ${runs} run${runs === 1 ? "" : "s"}`;
}

function makeToggle(button) {
  const body = button.closest("tbody");
  button.addEventListener("click", () => {
    const closed = body.classList.toggle("closed");
    button.setAttribute("aria-expanded", String(!closed));
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("button.toggle").forEach(makeToggle);
const attribute = document.getElementById("attribute");
if (attribute) {
  const items = Array.from(document.querySelectorAll("#sequences li"));
  const choose = () => {
    for (const item of items) {
      item.hidden = attribute.value !== "" && !item.dataset.groups.split("|").includes(attribute.value);
    }
    const left = items.filter((item) => !item.hidden).length;
    document.getElementById("sequence-count").textContent = `${left} of ${items.length} sequences`;
  };
  attribute.addEventListener("change", choose);
  choose();
}
const field = document.getElementById("filter");
if (field) {
  const apply = () => filter(field.value.toLowerCase().split(/\s+/).filter(Boolean));
  field.addEventListener("input", apply);
  apply();
}
