/** What stands beside and below the video: the faces in words and bars, and the figures. */
import { percent, shortWarning } from "./overlay.js";

const MOST_FACES = 3;
const FIGURES = [
  ["shown_fps", "shown", "fps", 0], ["analyses_per_second", "analyses", "/s", 0], ["detect_ms", "detect", "ms", 1],
  ["classify_ms", "classify", "ms", 1], ["age_p50", "age p50", "ms", 0], ["age_p95", "age p95", "ms", 0],
];

/** Make an element. @param {string} tag @param {Record<string, any>} values @param {(Node | string)[]} children */
export function element(tag, values = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * @param {HTMLElement} place
 * @param {import("./tracker.js").Tracked[]} faces
 * @param {import("./overlay.js").Classes} classes
 * @param {string} waiting What to say where there is no face.
 */
export function showFaces(place, faces, classes, waiting) {
  const shown = [...faces].sort((p, q) => p.id - q.id).slice(0, MOST_FACES);
  place.replaceChildren(...(shown.length ? shown.map((face) => faceCard(face, classes)) : [waiting]));
}

function faceCard(face, { classes, colors }) {
  const number = element("span", { className: "number" }, `face ${face.id}`);
  if (face.warnings.length) {
    const why = element("b", {}, shortWarning(face.warnings[0]));
    return element("section", {}, element("div", { className: "head" }, why, number), `${face.warnings[0]} It is not judged.`);
  }
  const dot = element("span", { className: "dot", style: `background:${colors[face.label]}` });
  const head = { className: "head", "data-testid": "browser-label", "data-label": classes[face.label] };
  const share = element("span", { className: "share" }, percent(face.probabilities[face.label]));
  const rows = classes.map((name, i) => bar(name, face.probabilities[i], colors[i], i === face.label));
  return element(
    "section", {}, element("div", head, dot, element("b", {}, classes[face.label]), share, number), ...rows,
  );
}

function bar(name, probability, color, isTop) {
  const meter = {
    className: "track", role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-valuenow": Math.round(100 * probability),
  };
  const filled = element("div", { style: `width:${100 * probability}%;background:${color}` });
  return element(
    "div", { className: isTop ? "row top" : "row" }, element("span", { className: "name" }, name),
    element("div", meter, filled), element("span", { className: "value" }, percent(probability)),
  );
}

/** @param {HTMLElement} place @param {Record<string, number>} figures */
export function showFigures(place, figures) {
  place.dataset.figures = Object.entries(figures).map(([name, v]) => `${name}=${v.toFixed(3)}`).join(" ");
  place.replaceChildren(...FIGURES.map(([key, name, unit, digits]) => {
    const value = Number.isNaN(figures[key]) ? "–" : figures[key].toFixed(Number(digits));
    return element("div", {}, element("small", {}, name), element("b", {}, value), element("small", {}, ` ${unit}`));
  }));
}
