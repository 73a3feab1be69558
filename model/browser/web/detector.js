/**
 * The default face detector in its form for video, as `model/faces/detectors/blazeface.py` has it: BlazeFace proposes,
 * MTCNN's output network confirms. Its thresholds come from there, as settings.
 *
 * @typedef {import("./pixels.js").Picture} Picture
 * @typedef {import("./pixels.js").Rgb} Rgb
 * @typedef {import("./pixels.js").Matrix} Matrix
 * @typedef {import("./crops.js").Detection} Detection
 * @typedef {number[]} Row A candidate: x1, y1, x2, y2, right eye, left eye (x, y), score.
 * @typedef {(input: Float32Array) => Promise<Float32Array[]>} Run Runs a network; outputs in the file's order.
 * @typedef {{wide: Run, close: Run, confirm: Run}} Networks
 */
import { cut, searchCopy, shrunk } from "./pixels.js";

const GRIDS = [[8, 2], [16, 6]]; // pixels from anchor to anchor, and how many lie in each place
const CROP = 48;

const logit = (p) => {
  const bounded = Math.min(Math.max(p, 1e-3), 1 - 1e-3);
  return Math.log(bounded / (1 - bounded));
};
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const HIGHEST_LOGIT = logit(1);

export class FaceDetector {
  /** @param {Networks} networks @param {Record<string, any>} settings `browser_settings()` of the detector. */
  constructor(networks, settings) {
    this.networks = networks;
    this.settings = settings;
    this.anchors = { wide: anchors(settings.wideSide), close: anchors(settings.closeSide) };
  }

  /** Search a whole picture. @param {Picture} picture @returns {Promise<Detection[]>} Largest first. */
  async detect(picture) {
    const { video, framed, closeSide, minAlone, minConfidence, sure, crops } = this.settings;
    const copy = searchCopy(picture, video);
    const rows = scaled(await this.candidates("wide", copy), 0, copy.factor);
    const small = shrunk(copy, framed, 3), border = (closeSide - framed) / 2;
    const near = await this.candidates("close", small, border);
    rows.push(...scaled(near, border, copy.factor * small.factor));
    const best = vote(rows).slice(0, this.settings.most);
    const found = withoutOverlaps(await this.confirmed(picture, best, crops, minAlone), sure);
    const certain = found.filter((face) => face.confidence >= minConfidence);
    return certain.length ? certain : found;
  }

  /**
   * Find faces again, each near its old box; null where one is gone and the whole picture must be searched.
   *
   * @param {Picture} picture
   * @param {Detection[]} known
   */
  async follow(picture, known) {
    const { crops, lost } = this.settings, found = [];
    for (const face of known) {
      const row = await this.near(picture, face);
      const again = row ? await this.confirmed(picture, [row], crops.slice(1, 2), lost) : [];
      if (!again.length) return null;
      found.push(again[0]);
    }
    return withoutOverlaps(found, 0);
  }

  /**
   * Return what may be a face in an image that is laid on black at (border, border).
   *
   * @param {"wide" | "close"} name
   * @param {Rgb} image
   * @returns {Promise<Row[]>} In pixels of the network's input.
   */
  async candidates(name, { data, width, height }, border = 0) {
    const side = this.settings[`${name}Side`], input = new Float32Array(3 * side * side).fill(-1);
    for (let y = 0; y < height; y++) {
      const to = 3 * ((y + border) * side + border), from = 3 * y * width;
      for (let i = 0; i < 3 * width; i++) input[to + i] = data[from + i] / 127.5 - 1;
    }
    const outputs = await this.networks[name](input);
    const [values, logits] = outputs[0].length > outputs[1].length ? outputs : [outputs[1], outputs[0]];
    const least = logit(this.settings.proposed), places = this.anchors[name], rows = [];
    for (let i = 0; i < logits.length; i++) {
      if (logits[i] <= least) continue;
      const v = values.subarray(16 * i, 16 * i + 8), ax = places[2 * i], ay = places[2 * i + 1];
      if (!(v[2] > 2 && v[3] > 2)) continue;
      const x = v[0] + ax, y = v[1] + ay;
      rows.push([
        x - v[2] / 2, y - v[3] / 2, x + v[2] / 2, y + v[3] / 2, v[4] + ax, v[5] + ay, v[6] + ax, v[7] + ay,
        sigmoid(Math.min(logits[i], 30)),
      ]);
    }
    return rows;
  }

  /** Return the candidates that the second network takes for faces too. @param {Row[]} rows @param {number[]} crops */
  async confirmed(picture, rows, crops, least) {
    const { tiny, sure, weights: [a, b, c] } = this.settings, found = [];
    for (const row of rows) {
      const enough = Math.max(row[2] - row[0], row[3] - row[1]) >= tiny ? least : Math.max(least, sure);
      const lowest = (logit(enough) - b * logit(row[8]) - c) / a;
      const points = Array.from({ length: 5 }, () => [0, 0]);
      let sum = 0, judged = 0;
      for (const side of crops) {
        const { score, landmarks } = await this.judged(picture, row, side);
        sum += logit(score);
        judged += 1;
        landmarks.forEach(([x, y], i) => { points[i][0] += x / crops.length; points[i][1] += y / crops.length; });
        if ((sum + (crops.length - judged) * HIGHEST_LOGIT) / crops.length < lowest) break;
      }
      if (judged < crops.length || sum / crops.length < lowest) continue;
      const confidence = sigmoid((a * sum) / crops.length + b * logit(row[8]) + c);
      found.push({ box: row.slice(0, 4), confidence, landmarks: /** @type {any} */ (points) });
    }
    return found;
  }

  /** @param {Picture} picture @param {Row} row @param {number} side Of the crop, in sizes of the box. */
  async judged(picture, row, side) {
    const matrix = windowMatrix(row, row.slice(4, 6), row.slice(6, 8), side, CROP);
    const crop = cutWindow(picture, matrix, CROP);
    const [values] = await this.networks.confirm(Float32Array.from(crop.data, (v) => (v - 127.5) / 128));
    const landmarks = [0, 1, 2, 3, 4].map((i) => moved(matrix, values[4 + i] * CROP, values[9 + i] * CROP));
    return { score: values[15], landmarks };
  }

  /** Return the best candidate of about a known face's place and size. @param {Detection} face */
  async near(picture, face) {
    const [x1, y1, x2, y2] = face.box, size = Math.sqrt((x2 - x1) * (y2 - y1));
    const x = (x1 + x2) / 2, y = (y1 + y2) / 2;
    if (!(x >= 0 && x < picture.width && y >= 0 && y < picture.height)) return null;
    const { closeSide, followedWindow } = this.settings;
    const matrix = windowMatrix(face.box, face.landmarks[0], face.landmarks[1], followedWindow, closeSide);
    const rows = await this.candidates("close", cutWindow(picture, matrix, closeSide));
    const away = (row) => Math.hypot((row[0] + row[2]) / 2 - x, (row[1] + row[3]) / 2 - y) / size;
    const [best] = vote(rows.map((row) => inFrame(row, matrix))).sort((p, q) => q[8] - away(q) - (p[8] - away(p)));
    return best && away(best) < 0.75 ? best : null;
  }
}

/** Return the centres of the anchors of a square input, finer grid first, row by row. @param {number} side */
function anchors(side) {
  const places = [];
  for (const [step, count] of GRIDS) {
    for (let y = 0; y < side / step; y++) {
      for (let x = 0; x < side / step; x++) {
        for (let i = 0; i < count; i++) places.push((x + 0.5) * step, (y + 0.5) * step);
      }
    }
  }
  return Float32Array.from(places);
}

/** @param {Row[]} rows @param {number} border @param {number} factor @returns {Row[]} */
const scaled = (rows, border, factor) => rows.map((row) => row.map((v, i) => (i < 8 ? (v - border) * factor : v)));

/** Merge the candidates of each face into their mean, weighted by score. @param {Row[]} rows @returns {Row[]} */
export function vote(rows) {
  const merged = [];
  let left = [...rows].sort((p, q) => q[8] - p[8]);
  while (left.length) {
    const best = left[0];
    const same = left.filter((row) => row === best || overlap(row, best) > 0.3);
    const sum = same.reduce((total, row) => total + row[8], 0);
    merged.push(best.map((v, i) => (i < 8 ? same.reduce((total, row) => total + row[i] * row[8], 0) / sum : v)));
    left = left.filter((row) => !same.includes(row));
  }
  return merged;
}

const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
const shared = (p, q) =>
  Math.max(0, Math.min(p[2], q[2]) - Math.max(p[0], q[0])) * Math.max(0, Math.min(p[3], q[3]) - Math.max(p[1], q[1]));
const overlap = (p, q) => shared(p, q) / (area(p) + area(q) - shared(p, q));

/** Keep the most confident of faces that overlap; largest first. @param {Detection[]} faces @param {number} sure */
function withoutOverlaps(faces, sure) {
  /** @type {Detection[]} */
  const kept = [];
  for (const face of [...faces].sort((p, q) => q.confidence - p.confidence)) {
    const most = face.confidence >= sure ? 0.5 : 0.2;
    const share = (other) => shared(face.box, other.box) / Math.min(area(face.box), area(other.box));
    if (kept.every((other) => share(other) <= most)) kept.push(face);
  }
  return kept.sort((p, q) => area(q.box) - area(p.box));
}

/** Return the matrix from a square window around a box, its eyes level, to the frame. @returns {Matrix} */
function windowMatrix([x1, y1, x2, y2], rightEye, leftEye, side, pixels) {
  const scale = (Math.sqrt((x2 - x1) * (y2 - y1)) * side) / pixels;
  const roll = Math.atan2(leftEye[1] - rightEye[1], leftEye[0] - rightEye[0]);
  const cosine = scale * Math.cos(roll), sine = scale * Math.sin(roll), middle = (pixels - 1) / 2;
  const x = (x1 + x2) / 2 - 0.5, y = (y1 + y2) / 2 - 0.5;
  return [cosine, -sine, x - (cosine - sine) * middle, sine, cosine, y - (sine + cosine) * middle];
}

/** Cut a window out; one that is much shrunk is taken finer and averaged. @param {Matrix} matrix */
function cutWindow(picture, matrix, pixels) {
  const samples = Math.min(4, Math.max(1, Math.round(Math.hypot(matrix[0], matrix[3]) / 1.5)));
  return cut(picture, matrix, pixels, pixels, samples);
}

const moved = (m, x, y) => [m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]];

/** Take a candidate of a turned window to the frame, its box upright there. @param {Row} row @param {Matrix} m */
function inFrame(row, m) {
  const [x, y] = moved(m, (row[0] + row[2]) / 2, (row[1] + row[3]) / 2), zoom = Math.hypot(m[0], m[3]) / 2;
  const width = (row[2] - row[0]) * zoom, height = (row[3] - row[1]) * zoom;
  return [
    x - width, y - height, x + width, y + height, ...moved(m, row[4], row[5]), ...moved(m, row[6], row[7]), row[8],
  ];
}
