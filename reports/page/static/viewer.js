// The sequence viewer. Images are layers over each other, so that a page opened from disk needs no pixel access.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const AHEAD = 4;
const MILLISECONDS = 100;
const slider = document.getElementById("frame");
const opacity = document.getElementById("opacity");
const playButton = document.getElementById("play");
const panels = Array.from(document.querySelectorAll(".panel"));
let current = 0;
let timer = null;

function view() {
  return document.querySelector("input[name=view]:checked").value;
}

function padded(number) {
  return String(number).padStart(5, "0");
}

// The frame as the method of a run saw it: corrupted on purpose where the run says so.
function photo(run, i) {
  return run.hasFrame[i] ? `${data.media}/${run.photo}-${padded(i)}.webp` : null;
}

function layer(run, i) {
  const kind = view();
  if (kind === "truth") return data.hasTruth[i] ? `${data.media}/truth-${padded(i)}.png` : null;
  if (kind === "objects") return run.hasObjects[i] ? `${data.media}/objects-${run.number}-${padded(i)}.png` : null;
  if (kind === "errors") return run.hasErrors[i] ? `${data.media}/errors-${run.number}-${padded(i)}.png` : null;
  return null;
}

function setImage(image, address) {
  if (address === null) image.removeAttribute("src");
  else if (image.getAttribute("src") !== address) image.src = address;
}

function fetchAhead() {
  for (let i = current + 1; i <= Math.min(current + AHEAD, data.frames.length - 1); i += 1) {
    const addresses = data.runs.filter((_, k) => isOn(k)).flatMap((run) => [photo(run, i), layer(run, i)]);
    for (const address of addresses) if (address !== null) new Image().src = address;
  }
}

function isOn(k) {
  return !panels[k].classList.contains("off");
}

function percent(value) {
  return value === null ? "–" : (100 * value).toFixed(1);
}

function show(i) {
  if (data.frames.length === 0) return;
  current = Math.max(0, Math.min(i, data.frames.length - 1));
  slider.value = current;
  slider.setAttribute("aria-valuetext", `frame ${data.frames[current]}`);
  const starting = data.late.filter((each) => each.place === current).map((each) => ` · object ${each.name} starts here`);
  document.getElementById("frame-name").textContent =
    `${data.frames[current]} · ${current + 1} of ${data.frames.length}${starting.join("")}`;
  document.getElementById("legend").hidden = view() !== "errors";
  panels.forEach((panel, k) => {
    const run = data.runs[k];
    if (!isOn(k)) return;
    setImage(panel.querySelector(".photo"), photo(run, current));
    const top = panel.querySelector(".layer");
    setImage(top, layer(run, current));
    top.style.opacity = opacity.value / 100;
    panel.querySelector(".now").textContent = `J ${percent(run.J[current])}  F ${percent(run.F[current])}`;
  });
  document.querySelectorAll(".chart .cursor").forEach((cursor) => {
    cursor.setAttribute("x1", current);
    cursor.setAttribute("x2", current);
  });
  history.replaceState(null, "", `#${current}`);
  fetchAhead();
}

function stop() {
  clearInterval(timer);
  timer = null;
  playButton.textContent = "Play";
  playButton.setAttribute("aria-pressed", "false");
}

function toggle() {
  if (timer !== null) {
    stop();
    return;
  }
  if (current >= data.frames.length - 1) show(0);
  playButton.textContent = "Pause";
  playButton.setAttribute("aria-pressed", "true");
  timer = setInterval(() => {
    show(current + 1);
    if (current >= data.frames.length - 1) stop();
  }, MILLISECONDS);
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function pieces(values) {
  const found = [[]];
  values.forEach((value, i) => {
    if (value === null) found.push([]);
    else found[found.length - 1].push(`${i},${100 - 100 * value}`);
  });
  return found.filter((points) => points.length > 0);
}

function drawChart(chart) {
  const last = Math.max(data.frames.length - 1, 1);
  chart.setAttribute("viewBox", `0 -4 ${last} 108`);
  chart.setAttribute("preserveAspectRatio", "none");
  chart.replaceChildren();
  for (const y of [0, 50, 100]) chart.append(element("line", { class: "grid", x1: 0, x2: last, y1: y, y2: y }));
  for (const { name, place } of data.late) {
    const line = element("line", { class: "start", x1: place, x2: place, y1: -4, y2: 104 });
    const title = element("title", {});
    title.textContent = `object ${name} starts on ${data.frames[place]}`;
    line.append(title);
    chart.append(line);
  }
  data.runs.forEach((run, k) => {
    if (!isOn(k)) return;
    for (const { text, place } of run.failures) {
      const mark = element("line", { class: "failure", x1: place, x2: place, y1: 94, y2: 104, stroke: run.colour });
      const title = element("title", {});
      title.textContent = `${run.name}: ${text}, from ${data.frames[place]} on`;
      mark.append(title);
      chart.append(mark);
    }
    for (const points of pieces(run[chart.dataset.measure])) {
      chart.append(element("polyline", { points: points.join(" "), stroke: run.colour, "stroke-dasharray": run.dash }));
    }
  });
  chart.append(element("line", { class: "cursor", x1: current, x2: current, y1: -4, y2: 104 }));
}

function goTo(chart, x) {
  const box = chart.getBoundingClientRect();
  stop();
  show(Math.round(((x - box.left) / box.width) * (data.frames.length - 1)));
}

const charts = Array.from(document.querySelectorAll(".chart svg"));
for (const chart of charts) {
  chart.addEventListener("click", (event) => goTo(chart, event.clientX));
  chart.addEventListener("pointermove", (event) => { if (event.buttons === 1) goTo(chart, event.clientX); });
}

panels.forEach((panel) => {
  panel.querySelector("input").addEventListener("change", (event) => {
    panel.classList.toggle("off", !event.target.checked);
    charts.forEach(drawChart);
    show(current);
  });
  // A click makes one method large, another one puts it back beside the others.
  panel.querySelector(".stack").addEventListener("click", () => panel.classList.toggle("large"));
});
slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
document.querySelectorAll("button[data-place]").forEach((button) => {
  button.addEventListener("click", () => { stop(); show(Number(button.dataset.place)); });
});
opacity.addEventListener("input", () => show(current));
playButton.addEventListener("click", toggle);
document.querySelectorAll("input[name=view]").forEach((choice) => choice.addEventListener("change", () => show(current)));

function follow(id) {
  const link = document.getElementById(id);
  if (link) link.click();
}

const KEYS = {
  " ": toggle,
  ArrowLeft: () => { stop(); show(current - 1); },
  ArrowRight: () => { stop(); show(current + 1); },
  Home: () => { stop(); show(0); },
  End: () => { stop(); show(data.frames.length - 1); },
  "+": () => { opacity.value = Number(opacity.value) + 10; show(current); },
  "-": () => { opacity.value = Number(opacity.value) - 10; show(current); },
  p: () => follow("previous"),
  n: () => follow("next"),
};
Array.from(document.querySelectorAll("input[name=view]")).forEach((choice, i) => {
  KEYS[String(i + 1)] = () => { choice.checked = true; show(current); };
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
  // A focused button, box or link answers the space bar itself; the sliders keep their own arrow keys.
  if (event.key === " " && event.target.matches("button, input[type=checkbox], input[type=radio], a")) return;
  if (event.target === opacity && event.key !== " ") return;
  event.preventDefault();
  KEYS[event.key]();
});

charts.forEach(drawChart);
show(location.hash === "" ? data.opening : Number(location.hash.slice(1)) || 0);
