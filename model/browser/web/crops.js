/**
 * From a detection to the crop that the network gets, as `model/faces/cropping.py` cuts it.
 *
 * @typedef {import("./pixels.js").Picture} Picture
 * @typedef {import("./pixels.js").Matrix} Matrix
 * @typedef {[number, number]} Point
 * @typedef {{box: number[], confidence: number, landmarks: Point[]}} Detection Box as x1, y1, x2, y2 in pixels; right
 *   and left eye, nose, right and left corner of the mouth.
 * @typedef {{scale: number, offset: Point, landmarks: Point[]}} Geometry How boxes and landmarks lie in the crop.
 * @typedef {{height: number, width: number, channels: number}} Size Of the network's input.
 */
import { cut, gray } from "./pixels.js";

const MOST_ROLL = Math.PI / 3;
const MOST_SAMPLES = 8;

/**
 * @param {Picture} picture
 * @param {Detection} detection
 * @param {Geometry} geometry
 * @param {Size} size
 * @returns {{pixels: Uint8Array | Uint8ClampedArray, matrix: Matrix}} Gray or RGB pixels, and crop to frame.
 */
export function cropFace(picture, detection, geometry, { height, width, channels }) {
  const matrix = cropMatrix(detection, geometry, height, width);
  const zoom = Math.hypot(matrix[0], matrix[3]);
  const samples = Math.min(Math.max(1, Math.ceil(zoom - 1e-3)), MOST_SAMPLES);
  const face = cut(picture, matrix, width, height, samples);
  return { pixels: channels === 1 ? gray(face) : face.data, matrix };
}

/** @param {Detection} detection @param {Geometry} geometry @param {number} height @param {number} width */
function cropMatrix(detection, geometry, height, width) {
  const [scale, turn, x, y] = frameSquare(detection, geometry);
  const side = Math.min(height, width);
  const cosine = (scale * Math.cos(turn)) / side, sine = (scale * Math.sin(turn)) / side;
  const across = 0.5 - (width - side) / 2, down = 0.5 - (height - side) / 2;
  return [
    cosine, -sine, cosine * across - sine * down + x - 0.5,
    sine, cosine, sine * across + cosine * down + y - 0.5,
  ];
}

/** Return side, turn and upper left corner of the geometry's square in the frame. @returns {number[]} */
function frameSquare({ box, landmarks }, geometry) {
  const [x1, y1, x2, y2] = box;
  const size = Math.sqrt((x2 - x1) * (y2 - y1));
  const square = fitLandmarks(geometry.landmarks, landmarks);
  if (square[0] > size / 3 && square[0] < size * 3) return square;
  const side = size * geometry.scale;
  const x = (x1 + x2) / 2 + geometry.offset[0] * size, y = (y1 + y2) / 2 + geometry.offset[1] * size;
  return [side, 0, x - side / 2, y - side / 2];
}

/**
 * Fit the similarity from template to points, least squares over all five, its turn bounded; see `_fit_landmarks` in
 * Python for the source.
 *
 * @param {Point[]} template
 * @param {Point[]} points
 */
function fitLandmarks(template, points) {
  const [templateX, templateY] = mean(template), [pointsX, pointsY] = mean(points);
  let real = 0, imaginary = 0, spread = 0;
  template.forEach(([tx, ty], i) => {
    const ax = tx - templateX, ay = ty - templateY, bx = points[i][0] - pointsX, by = points[i][1] - pointsY;
    real += ax * bx + ay * by;
    imaginary += ay * bx - ax * by;
    spread += bx * bx + by * by;
  });
  const length = Math.hypot(real, imaginary) / Math.max(spread, 1e-9);
  const scale = 1 / Math.max(length, 1e-9);
  const turn = Math.min(Math.max(-Math.atan2(imaginary, real), -MOST_ROLL), MOST_ROLL);
  const cosine = scale * Math.cos(turn), sine = scale * Math.sin(turn);
  return [
    scale, turn, pointsX - cosine * templateX + sine * templateY, pointsY - sine * templateX - cosine * templateY,
  ];
}

/** @param {Point[]} points */
const mean = (points) => [0, 1].map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / points.length);
