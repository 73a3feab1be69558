/** Faces too poor to be classified, as `model/faces/quality.py` finds them; its thresholds come as settings. */
import { cut, gray } from "./pixels.js";

const SIDE = 48;
const BLACK_STEP = 16;

/**
 * @param {import("./pixels.js").Picture} picture
 * @param {import("./crops.js").Detection} face
 * @param {Record<string, any>} settings
 * @returns {string[]} Why the face should not be classified, gravest reason first.
 */
export function warnings(picture, { box: [x1, y1, x2, y2], confidence, landmarks }, { quality }) {
  const found = confidence < quality.sureFrom ? [quality.doubtful] : [];
  if (Math.min(x2 - x1, y2 - y1) < quality.minSide) return [...found, quality.tooSmall];
  const [left, top] = [Math.max(0, x1), Math.max(0, y1)];
  const across = (Math.min(picture.width, x2) - left) / SIDE, down = (Math.min(picture.height, y2) - top) / SIDE;
  if (across <= 0 || down <= 0) return found;
  const samples = Math.min(8, Math.max(1, Math.ceil(Math.max(across, down))));
  const matrix = [across, 0, left - 0.5 + across / 2, 0, down, top - 0.5 + down / 2];
  const face = gray(cut(picture, matrix, SIDE, SIDE, samples));
  const bright = [...face].sort((p, q) => p - q)[Math.round(0.9 * (face.length - 1))];
  if (bright < quality.minBrightness) found.push(quality.tooDark);
  else if (sharpness(face) < quality.minSharpness) found.push(quality.blurred);
  if (noseOffset(landmarks) > quality.maxNoseOffset) found.push(quality.turnedAway);
  return found;
}

/**
 * Tell whether a camera sees nothing: it is covered, switched off by a key, or kept by another program.
 *
 * @param {import("./pixels.js").Picture} picture
 * @param {Record<string, any>} settings
 */
export function isBlack({ data, width, height }, { quality }) {
  for (let y = 0; y < height; y += BLACK_STEP) {
    for (let x = 0; x < width; x += BLACK_STEP) {
      const at = 4 * (y * width + x);
      if (Math.max(data[at], data[at + 1], data[at + 2]) > quality.black) return false;
    }
  }
  return true;
}

/** Measure fine detail: the deviation of the Laplacian over that of the gray levels. @param {Uint8Array} face */
function sharpness(face) {
  const at = (x, y) => face[SIDE * mirrored(y) + mirrored(x)];
  const detail = Array.from(face, (v, i) => {
    const x = i % SIDE, y = Math.floor(i / SIDE);
    return at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * v;
  });
  return deviation(detail) / Math.max(deviation(face), 1);
}

const mirrored = (i) => (i < 0 ? -i : i < SIDE ? i : 2 * SIDE - 2 - i);

/** @param {ArrayLike<number>} values */
function deviation(values) {
  let sum = 0, squares = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    squares += values[i] * values[i];
  }
  const mean = sum / values.length;
  return Math.sqrt(Math.max(0, squares / values.length - mean * mean));
}

/** Return how far the nose lies beside the middle of the eyes, in eye distances. @param {[number, number][]} points */
function noseOffset([right, left, nose]) {
  const x = left[0] - right[0], y = left[1] - right[1], distance = Math.max(Math.hypot(x, y), 1e-6);
  return Math.abs((nose[0] - (right[0] + left[0]) / 2) * x + (nose[1] - (right[1] + left[1]) / 2) * y) / distance ** 2;
}
