/**
 * Pixels cut out, shrunk and turned gray as OpenCV does it on the server, to the last gray level.
 *
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Picture RGBA, rows from the top.
 * @typedef {{data: Uint8ClampedArray | Uint8Array, width: number, height: number}} Rgb Three bytes a pixel.
 * @typedef {number[]} Matrix 2×3 in one row: takes (x, y) to (m0 x + m1 y + m2, m3 x + m4 y + m5).
 */

/** Round half to even, as OpenCV does. @param {number} value */
const rounded = (value) => {
  const up = Math.floor(value + 0.5);
  return up - value === 0.5 && up % 2 ? up - 1 : up;
};

/**
 * Cut a window out of a picture by bilinear sampling; beyond the picture its border is repeated.
 *
 * Coordinates have 5 binary digits, as `cv2.warpAffine` has them.
 *
 * @param {Picture} picture
 * @param {Matrix} matrix From the window's pixels to the picture's.
 * @param {number} width Of the window.
 * @param {number} height
 * @param {number} samples Along each side of a pixel; their mean is taken.
 * @returns {Rgb}
 */
export function cut(picture, matrix, width, height, samples = 1) {
  const shift = (1 / samples - 1) / 2;
  const [a, b, c, d, e, f] = matrix;
  const fine = [a / samples, b / samples, c + (a + b) * shift, d / samples, e / samples, f + (d + e) * shift];
  const window = warped(picture, fine, width * samples, height * samples);
  return samples > 1 ? averaged(window, samples) : window;
}

/** @param {Picture} picture @param {Matrix} m @param {number} width @param {number} height @returns {Rgb} */
function warped({ data, width: w, height: h }, [a, b, c, d, e, f], width, height) {
  const out = new Uint8Array(3 * width * height);
  const acrossX = new Int32Array(width), acrossY = new Int32Array(width);
  for (let x = 0; x < width; x++) {
    acrossX[x] = rounded(a * x * 1024);
    acrossY[x] = rounded(d * x * 1024);
  }
  let to = 0;
  for (let y = 0; y < height; y++) {
    const startX = rounded((b * y + c) * 1024) + 16, startY = rounded((e * y + f) * 1024) + 16;
    for (let x = 0; x < width; x++) {
      const fixedX = (startX + acrossX[x]) >> 5, fixedY = (startY + acrossY[x]) >> 5;
      const right = fixedX & 31, below = fixedY & 31, left = 32 - right, above = 32 - below;
      const column = fixedX >> 5, row = fixedY >> 5;
      const x0 = column < 0 ? 0 : column < w ? column : w - 1, x1 = column < -1 ? 0 : column < w - 1 ? column + 1 : w - 1;
      const y0 = w * (row < 0 ? 0 : row < h ? row : h - 1), y1 = w * (row < -1 ? 0 : row < h - 1 ? row + 1 : h - 1);
      const p = 4 * (y0 + x0), q = 4 * (y0 + x1), r = 4 * (y1 + x0), s = 4 * (y1 + x1);
      for (let channel = 0; channel < 3; channel++) {
        const upper = data[p + channel] * left + data[q + channel] * right;
        const lower = data[r + channel] * left + data[s + channel] * right;
        out[to++] = (upper * above + lower * below + 512) >> 10;
      }
    }
  }
  return { data: out, width, height };
}

/** Take the mean of blocks of pixels. @param {Rgb} image @param {number} block Their side. @returns {Rgb} */
function averaged({ data, width: wide, height: high }, block) {
  const width = wide / block, height = high / block, area = block * block;
  const out = new Uint8Array(3 * width * height), sums = new Uint32Array(3 * width);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let from = 3 * wide * y * block, j = 0; j < block; j++) {
      for (let x = 0; x < 3 * width; x += 3) {
        for (let i = 0; i < block; i++, from += 3) {
          sums[x] += data[from];
          sums[x + 1] += data[from + 1];
          sums[x + 2] += data[from + 2];
        }
      }
    }
    const start = 3 * width * y;
    for (let i = 0; i < 3 * width; i++) {
      out[start + i] = block === 2 ? (sums[i] + 2) >> 2 : rounded(sums[i] / area);
    }
  }
  return { data: out, width, height };
}

/**
 * Bring a picture to a size that suits a detector, as `search_copy` does in Python, but magnify it bilinearly.
 *
 * @param {Picture} picture
 * @param {number} longest Its longest side in the copy.
 * @returns {Rgb & {factor: number}} With the factor from the copy's pixels to the picture's.
 */
export function searchCopy(picture, longest) {
  const factor = Math.max(picture.width, picture.height) / longest;
  if (factor >= 1) return shrunk(picture, longest, 4);
  const width = rounded(picture.width / factor), height = rounded(picture.height / factor), shift = (factor - 1) / 2;
  return { ...cut(picture, [factor, 0, shift, 0, factor, shift], width, height), factor };
}

/**
 * Shrink a picture until its longest side has so many pixels, each the mean of what it covers.
 *
 * @param {{data: ArrayLike<number>, width: number, height: number}} picture
 * @param {number} longest
 * @param {number} channels 4 of a picture, 3 of an image that was shrunk before.
 * @returns {Rgb & {factor: number}} With the factor from its pixels to the picture's.
 */
export function shrunk({ data, width: w, height: h }, longest, channels) {
  const factor = Math.max(1, Math.max(w, h) / longest);
  const width = Math.max(1, rounded(w / factor)), height = Math.max(1, rounded(h / factor));
  const columns = shares(w, width), rows = shares(h, height);
  const out = new Uint8Array(3 * width * height), line = new Float32Array(3 * width);
  let y = 0;
  for (let row = 0; row < height; row++) {
    line.fill(0);
    for (const [from, weight] of rows[row]) {
      for (let x = 0; x < width; x++) {
        let red = 0, green = 0, blue = 0;
        for (const [column, part] of columns[x]) {
          const p = channels * (from * w + column);
          red += data[p] * part;
          green += data[p + 1] * part;
          blue += data[p + 2] * part;
        }
        line[3 * x] += red * weight;
        line[3 * x + 1] += green * weight;
        line[3 * x + 2] += blue * weight;
      }
    }
    for (let i = 0; i < 3 * width; i++) out[y++] = line[i] + 0.5;
  }
  return { data: out, width, height, factor };
}

/** Say which of the old pixels each new one covers, and with what share. @param {number} old @param {number} now */
function shares(old, now) {
  const scale = old / now;
  return Array.from({ length: now }, (_, i) => {
    /** @type {[number, number][]} */
    const covered = [];
    for (let from = Math.floor(i * scale + 1e-6); from < Math.min(old, (i + 1) * scale - 1e-6); from++) {
      covered.push([from, (Math.min(from + 1, (i + 1) * scale) - Math.max(from, i * scale)) / scale]);
    }
    return covered;
  });
}

/** Turn an image gray, with the weights of `cv2.COLOR_RGB2GRAY`. @param {Rgb} image */
export function gray({ data, width, height }) {
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) {
    out[i] = (data[3 * i] * 9798 + data[3 * i + 1] * 19235 + data[3 * i + 2] * 3735 + 16384) >> 15;
  }
  return out;
}
