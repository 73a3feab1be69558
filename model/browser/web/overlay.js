/**
 * Boxes, labels, bars and heat maps on a canvas above the video, in the look of `model/drawing/annotate.py`.
 *
 * @typedef {import("./tracker.js").Tracked} Tracked
 * @typedef {{bars: boolean, heat: boolean, mirror: boolean}} Look
 * @typedef {{classes: string[], colors: string[], inks: string[]}} Classes
 */
const WARNING = "#5B626C", HALO = "rgb(16 16 16 / 0.85)", PANEL = "rgb(20 20 20 / 0.74)";

/** Turn "The face is too small." into "too small". @param {string} warning */
export const shortWarning = (warning) =>
  warning.replace(/^The face is /, "").replace(/^The detector is unsure: /, "").replace(/\.$/, "");

/** @param {number} share */
export const percent = (share) => `${Math.round(100 * share)}%`;

/**
 * Draw the faces; text is never mirrored.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} frame Pixels of the camera's picture, which the canvas covers.
 * @param {Tracked[]} faces
 * @param {Classes} classes
 * @param {Look} look
 */
export function draw(context, frame, faces, classes, look) {
  const { width, height } = context.canvas, scale = width / frame.width;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const size = Math.min(Math.max(Math.min(height * 1.25, width) / 28, 12), 64);
  for (const face of faces) {
    if (look.heat && face.map && !face.warnings.length) drawHeat(context, face, classes, look, scale);
  }
  for (const face of faces) {
    const [x1, y1, x2, y2] = face.box.map((v) => v * scale);
    const left = look.mirror ? width - x2 : x1, box = [left, y1, left + x2 - x1, y2];
    drawFace(context, box, face, classes, look, size);
  }
}

function drawFace(context, [x1, y1, x2, y2], face, classes, look, size) {
  const warned = face.warnings.length > 0, color = warned ? WARNING : classes.colors[face.label];
  const line = Math.max(2, size / 8), radius = Math.min(x2 - x1, y2 - y1) / 10;
  context.setLineDash(warned && /unsure/.test(face.warnings[0]) ? [3 * line, 2 * line] : []);
  for (const [stroke, thickness] of [[HALO, line + 2], [color, line]]) {
    context.strokeStyle = stroke;
    context.lineWidth = thickness;
    context.beginPath();
    context.roundRect(x1, y1, x2 - x1, y2 - y1, radius);
    context.stroke();
  }
  context.setLineDash([]);
  if (look.bars && !warned) drawBars(context, [x1, y1, x2, y2], face, classes, size);
  const text = warned
    ? shortWarning(face.warnings[0])
    : `${classes.classes[face.label]} ${percent(face.probabilities[face.label])}`;
  drawLabel(context, x1, y1, text, color, warned ? "#FFFFFF" : classes.inks[face.label], size);
}

function drawLabel(context, x1, y1, text, color, ink, size) {
  const { width } = context.canvas;
  context.font = `600 ${size}px system-ui, sans-serif`;
  const wide = context.measureText(text).width + 0.9 * size, high = 1.5 * size, gap = size / 6;
  const top = Math.max(y1 - high - gap < 0 ? y1 + gap : y1 - high - gap, 0);
  const left = Math.max(0, Math.min(x1, width - wide));
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(left, top, wide, high, high / 4);
  context.fill();
  context.fillStyle = ink;
  context.textBaseline = "middle";
  context.fillText(text, left + 0.45 * size, top + high / 2);
}

function drawBars(context, [x1, y1, x2], face, classes, size) {
  const { width, height } = context.canvas, small = Math.max(11, 0.72 * size), row = 1.32 * small, pad = small / 2;
  context.font = `500 ${small}px system-ui, sans-serif`;
  const names = Math.max(...classes.classes.map((name) => context.measureText(name).width)), bar = 3.2 * small;
  const wide = names + bar + 3 * pad, high = row * classes.classes.length + 2 * pad;
  const left = x2 + pad + wide <= width ? x2 + pad : x1 - pad - wide;
  if (left < 0 || high > height) return;
  const top = Math.max(0, Math.min(y1, height - high));
  context.fillStyle = PANEL;
  context.beginPath();
  context.roundRect(left, top, wide, high, pad);
  context.fill();
  context.textBaseline = "middle";
  classes.classes.forEach((name, i) => {
    const middle = top + pad + (i + 0.5) * row, from = left + 2 * pad + names;
    context.fillStyle = "#ECF0F4";
    context.fillText(name, left + pad, middle);
    context.fillStyle = "#42484E";
    context.fillRect(from, middle - small / 4, bar, small / 2);
    context.fillStyle = classes.colors[i];
    context.fillRect(from, middle - small / 4, bar * Math.min(Math.max(face.probabilities[i], 0), 1), small / 2);
  });
}

/** Lay the evidence for the label over its face: cold stays clear, hot glows, the edge fades out. */
function drawHeat(context, face, classes, look, scale) {
  const { width, height } = face.map, count = classes.classes.length, heat = heatOf(face.map, face.label, count);
  const small = new OffscreenCanvas(width, height), pixels = new ImageData(width, height);
  for (let i = 0; i < heat.length; i++) {
    const x = (i % width) + 0.5 - width / 2, y = Math.floor(i / width) + 0.5 - height / 2;
    const fade = Math.min(1, Math.max(0, 3 - 6 * Math.hypot(x / width, y / height)));
    const v = heat[i] * fade;
    pixels.data.set([Math.min(255, 80 + 340 * v), Math.max(0, 300 * v - 60), 60 * (1 - v), 255 * 0.65 * Math.sqrt(v)], 4 * i);
  }
  small.getContext("2d").putImageData(pixels, 0, 0);
  const [a, b, c, d, e, f] = face.matrix, { crop } = face.map;
  const flip = look.mirror ? -1 : 1, shift = look.mirror ? context.canvas.width : 0;
  context.save();
  context.setTransform(flip * a * scale, d * scale, flip * b * scale, e * scale, flip * c * scale + shift, f * scale);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, crop.width, crop.height);
  context.restore();
}

/** Return 0..1 by place: evidence for a class against the mean of all, over the strongest of any class. */
export function heatOf({ values, width, height }, label, count) {
  const heat = new Float32Array(width * height);
  let strongest = 0;
  for (let i = 0; i < heat.length; i++) {
    const place = values.subarray(count * i, count * (i + 1));
    const mean = place.reduce((sum, v) => sum + v, 0) / count;
    strongest = Math.max(strongest, ...place.map((v) => v - mean));
    heat[i] = place[label] - mean;
  }
  return heat.map((v) => (strongest > 0 ? Math.min(1, Math.max(0, v / strongest)) : 0));
}
