// Tables that sort by a click on a heading, and a filter over the leaderboard and the sequences.
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

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).map((row) => ({ row, value: cellValue(row, column) }));
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
      const numeric = heading.classList.contains("number");
      const before = heading.getAttribute("aria-sort");
      const first = numeric ? "descending" : "ascending";
      const other = numeric ? "ascending" : "descending";
      const order = before === first ? other : first;
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
      sortBy(table, column, order === "ascending" ? 1 : -1);
    });
  });
}

function filter(words) {
  let shown = 0;
  const rows = Array.from(document.querySelectorAll("#leaderboard tbody tr"));
  for (const row of rows) {
    row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("count").textContent = `${shown} of ${rows.length} runs`;
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
const field = document.getElementById("filter");
if (field) {
  const apply = () => filter(field.value.toLowerCase().split(/\s+/).filter(Boolean));
  field.addEventListener("input", apply);
  apply();
}
// A sequence whose frames are not here has no thumbnail.
document.querySelectorAll(".thumbnails img").forEach((image) => {
  const hide = () => { image.removeAttribute("src"); };
  image.addEventListener("error", hide);
});
